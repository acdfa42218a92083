#!/usr/bin/env bash
# Install what the local stack needs and this machine lacks, from Debian's packages, and nothing else.
#
# Servers installed here are left off: GoKart runs private nodes of its own, and a broker that nobody asked for has no
# business on a laptop's standard ports. A server that was installed before is not touched.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=deploy/local/state.sh
source "$here/state.sh"
# shellcheck source=deploy/local/postgres.sh
source "$here/postgres.sh"
# shellcheck source=deploy/local/rabbitmq.sh
source "$here/rabbitmq.sh"

missing_packages() {
    # `cc` links every Rust program and compiles the assembly of `ring`.
    command -v cc >/dev/null || printf 'gcc\nlibc6-dev\n'
    [[ -n $(postgres_bin) ]] || echo postgresql
    rabbitmq_installed || echo rabbitmq-server
    # The examples of the READMEs, which tests run.
    command -v curl >/dev/null || echo curl
    # The conformance test makes its environment with the system's own Python, whatever a version manager offers.
    /usr/bin/python3 -c 'import ensurepip' 2>/dev/null || echo python3-venv
}

# Package scripts ask this file before they start a service; 101 is "not allowed". One that exists is put back.
POLICY=/usr/sbin/policy-rc.d
# Debian creates and enables a cluster with the server, unless told otherwise here.
CLUSTERS=/etc/postgresql-common/createcluster.conf
SAVED=.saved-by-gokart

forbid_services() {
    [[ ! -e $POLICY ]] || mv "$POLICY" "$POLICY$SAVED"
    printf '#!/bin/sh\nexit 101\n' >"$POLICY"
    chmod 755 "$POLICY"
}

forbid_default_cluster() {
    cp -p "$CLUSTERS" "$CLUSTERS$SAVED"
    sed -i -E 's/^[# ]*create_main_cluster.*/create_main_cluster = false/' "$CLUSTERS"
}

# Whatever happens, the machine's own settings come back.
restore() {
    rm -f "$POLICY"
    [[ ! -e $POLICY$SAVED ]] || mv "$POLICY$SAVED" "$POLICY"
    [[ ! -e $CLUSTERS$SAVED ]] || mv "$CLUSTERS$SAVED" "$CLUSTERS"
}

apt_install() {
    DEBIAN_FRONTEND=noninteractive apt-get install --yes --quiet --no-install-recommends \
        -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@" </dev/null
}

# Enabled for the next boot by its package; not by our wish.
disable_service() {
    if command -v systemctl >/dev/null; then
        systemctl disable --quiet "$@" 2>/dev/null || true
    fi
}

# install_packages NAME...: as root.
install_packages() {
    local had_epmd=1
    command -v epmd >/dev/null || had_epmd=0
    trap restore EXIT
    forbid_services
    # A machine whose lists are stale or absent; one without a network may still have the packages at hand.
    apt-get update --quiet -o DPkg::Lock::Timeout=300 </dev/null || warn "apt-get update failed; trying with the lists there are"
    if [[ " $* " == *" postgresql "* ]]; then
        apt_install postgresql-common
        forbid_default_cluster
    fi
    apt_install "$@"
    if [[ " $* " == *" rabbitmq-server "* ]]; then
        disable_service rabbitmq-server.service
        ((had_epmd)) || disable_service epmd.service epmd.socket
    fi
}

if [[ ${1:-} == --as-root ]]; then
    shift
    install_packages "$@"
    exit
fi

command -v cargo >/dev/null || die "cargo is not in PATH; install Rust from https://rustup.rs and try again"

mapfile -t packages < <(missing_packages)
if ((${#packages[@]} == 0)); then
    exit 0
fi
command -v apt-get >/dev/null || die "please install ${packages[*]} (or what your system calls them), then try again"
say "installing from Debian's packages: ${packages[*]} (the services that they bring stay off)"
if [[ $(id -u) == 0 ]]; then
    bash "${BASH_SOURCE[0]}" --as-root "${packages[@]}"
elif command -v sudo >/dev/null; then
    sudo bash "${BASH_SOURCE[0]}" --as-root "${packages[@]}"
else
    die "neither root nor sudo; run as root: apt-get install --no-install-recommends ${packages[*]}"
fi

mapfile -t packages < <(missing_packages)
((${#packages[@]} == 0)) || die "still missing after the installation: ${packages[*]}"
