#!/usr/bin/env bash
# Make the Python environment of the conformance test, unless it is there, and print its folder.
#
#   venv.sh [REQUIREMENTS]      of another test with this file (../signatures)
#
# It holds exactly what requirements.txt names, by hash, and lies outside the checkout, one a set of requirements: pip needs
# PyPI once for each. GOKART_CONFORMANCE_VENVS says where (~/.cache/gokart/conformance).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
requirements=${1:-$here/requirements.txt}
venvs=${GOKART_CONFORMANCE_VENVS:-${XDG_CACHE_HOME:-$HOME/.cache}/gokart/conformance}

die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# The system's own: one of a version manager may be of any version, and goes with its project.
python=/usr/bin/python3
[[ -x $python ]] || python=$(command -v python3) || die "there is no python3; deploy/local/install.sh installs it"
# What the requirements were pinned for, or newer.
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
    || die "$python is older than Python 3.11, for which requirements.txt is pinned"

version=$("$python" -c 'import platform; print(platform.python_version(), platform.machine())')
venv=$venvs/$( (printf '%s\n' "$python" "$version" && cat "$requirements") | sha256sum | cut -c1-16)
# Written last: what was begun and not finished is made again.
finished=$venv/.finished

mkdir -p "$venvs"
# Two tests that begin at once would make it twice.
exec 9>"$venvs/lock"
flock -w 300 9 || die "another command has held $venvs/lock for five minutes"
if [[ ! -f $finished ]]; then
    "$python" -c 'import ensurepip' 2>/dev/null || die "$python can make no environment; deploy/local/install.sh installs python3-venv"
    rm -rf "$venv"
    "$python" -m venv "$venv" >&2
    # Wheels only: nothing of a package runs before its hash is known to be right.
    "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
        --require-hashes --only-binary :all: --requirement "$requirements" >&2 \
        || die "pip could not install the packages of $requirements. Is PyPI away? It is needed once, until $venv is there"
    touch "$finished"
fi
printf '%s\n' "$venv"
