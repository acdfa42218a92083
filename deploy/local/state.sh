# shellcheck shell=bash
# Where the private nodes of this checkout live, which ports and secrets are theirs, and as whom they run.
# Sourced by the commands beside it; knows nothing of PostgreSQL, RabbitMQ or our services.
#
# The state folder lies outside the checkout: PostgreSQL and RabbitMQ refuse to run as root, so root runs them as the
# users `postgres` and `rabbitmq`, and those cannot enter a checkout under, say, /root. Everything they read is
# therefore copied or generated into the state folder.

CHECKOUT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd -P)

# One state folder a checkout: the hash keeps two checkouts of the same person apart.
checkout_hash() { printf '%s' "$CHECKOUT" | sha256sum | cut -c1-10; }

STATE=${GOKART_STATE:-/var/tmp/gokart-$(id -u)-$(checkout_hash)}
NODES_ENV=${GOKART_NODES:-$CHECKOUT/.local/nodes.env}

say() { printf '==> %s\n' "$*"; }
warn() { printf 'warning: %s\n' "$*" >&2; }
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

# The name is guessable and /var/tmp belongs to everyone: a folder that somebody else made first is not ours to trust.
open_state() {
    case $STATE in
        /*) ;;
        *) die "GOKART_STATE must be an absolute path, is $STATE" ;;
    esac
    if [[ ! -d $STATE ]]; then
        mkdir -p "$(dirname "$STATE")"
        mkdir -m 711 "$STATE" || die "cannot create the state folder $STATE"
    fi
    [[ ! -L $STATE && -O $STATE ]] || die "$STATE is not a folder of $(id -un); set GOKART_STATE to another path"
    if [[ -f $STATE/checkout ]]; then
        [[ $(<"$STATE/checkout") == "$CHECKOUT" ]] || die "$STATE belongs to the checkout $(<"$STATE/checkout"); set GOKART_STATE to another path"
    else
        # `make clean` deletes this folder: only ever one that was empty when we took it.
        [[ -z $(ls -A "$STATE") ]] || die "$STATE is not empty and not a state folder of GoKart; set GOKART_STATE to another path"
        printf '%s\n' "$CHECKOUT" >"$STATE/checkout"
    fi
    private_folder "$STATE/logs"
}

private_folder() { mkdir -p -- "$@" && chmod 700 -- "$@"; }

has_state() { [[ -f $STATE/checkout ]]; }

# Two commands at once would start everything twice. Daemons must be started with `9>&-`, or they keep the lock.
lock_state() {
    exec 9>"$STATE/lock"
    if ! flock -n 9; then
        say "waiting for another command on $STATE"
        flock -w 300 9 || die "another command has held $STATE/lock for five minutes"
    fi
}

# Delete a state folder, and nothing that is not one.
delete_state() {
    has_state || return 0
    [[ ! -L $STATE && -O $STATE ]] || die "$STATE is not a folder of $(id -un)"
    rm -rf -- "${STATE:?}"
    rm -f -- "$NODES_ENV" "$(dirname "$NODES_ENV")/stack.env"
}

# recall FILE KEY: the value kept for KEY in the state folder's FILE; fails when there is none.
recall() {
    local file=$STATE/$1 key=$2 line
    [[ -f $file ]] || return 1
    while IFS= read -r line; do
        if [[ $line == "$key="* ]]; then
            printf '%s\n' "${line#*=}"
            return 0
        fi
    done <"$file"
    return 1
}

# remember FILE KEY VALUE: keep VALUE, in place of an earlier one.
remember() {
    local file=$STATE/$1 key=$2 value=$3 kept=''
    [[ ! -f $file ]] || kept=$(grep -v "^$key=" "$file" || true)
    (umask 077 && printf '%s\n' ${kept:+"$kept"} "$key=$value" >"$file.new")
    mv -f "$file.new" "$file"
}

random_hex() { od -An -v -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }

# secret NAME: 192 random bits, made once. Hexadecimal needs no escaping in URLs, SQL or configuration files.
secret() {
    recall secrets.env "$1" && return
    remember secrets.env "$1" "$(random_hex 24)"
    recall secrets.env "$1"
}

# A connection tells more than a list of listeners: it needs no tool, no privilege, and works in any container.
port_answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# port NAME PREFERRED: the port remembered under NAME.
# The first choice is the preferred one, so that the ports of a lone checkout are always the same; beside others it is
# a random one below the range from which the kernel takes ports for outgoing connections.
port() {
    recall ports.env "$1" && return
    remember ports.env "$1" "$(free_port "$2")"
    recall ports.env "$1"
}

# port_for_start NAME PREFERRED: as `port`, for something that is known not to run: a taken port is replaced.
port_for_start() {
    local chosen
    chosen=$(port "$1" "$2")
    if port_answers "$chosen"; then
        chosen=$(free_port "$2")
        remember ports.env "$1" "$chosen"
    fi
    printf '%s\n' "$chosen"
}

port_is_promised() { [[ -f $STATE/ports.env ]] && grep -q "=$1\$" "$STATE/ports.env"; }

free_port() {
    local candidate=$1 tries
    for ((tries = 0; tries < 200; tries++)); do
        if ! port_answers "$candidate" && ! port_is_promised "$candidate"; then
            printf '%s\n' "$candidate"
            return
        fi
        candidate=$((20000 + (RANDOM << 15 | RANDOM) % 12000))
    done
    die "found no free port between 20000 and 31999"
}

# exec_as USER HOME COMMAND...: become a command of the user that a server demands; everybody but root already is.
# The environment is emptied, or a caller's PG* and RABBITMQ_* variables would reach into the private nodes. setpriv
# replaces itself by the command, where runuser would stay behind as a parent.
exec_as() {
    local user=$1 home=$2
    shift 2
    local -a become=()
    if [[ $(id -u) == 0 ]]; then
        become=(setpriv "--reuid=$user" "--regid=$(id -g "$user")" --init-groups --)
    fi
    # The servers fail in a working directory that they cannot enter.
    cd /
    exec "${become[@]}" env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 \
        "HOME=$home" "$@"
}

# as USER HOME COMMAND...: the same, and come back.
as() { (exec_as "$@"); }

# A login's usual soft limit of 1,024 files is too few for a server with as many connections. The hard limit may be
# absurdly high, and Erlang sizes a table by what it finds.
raise_file_limit() {
    local hard
    hard=$(ulimit -H -n)
    if [[ $hard == unlimited ]] || ((hard > 65536)); then
        hard=65536
    fi
    ulimit -S -n "$hard" || warn "the limit of open files stays at $(ulimit -S -n)"
}

# need_way_in USER: a state folder below one that is closed to the server's user would only fail later, and obscurely.
need_way_in() {
    as "$1" / test -x "$STATE" || die "the user $1 cannot enter $STATE; point GOKART_STATE into folders that everybody may enter"
}

# own USER PATH...: hand files to a server's user.
own() {
    local user=$1
    shift
    [[ $(id -u) != 0 ]] || chown "$user:" -- "$@"
}

# until_true SECONDS COMMAND...: poll a condition, ten times a second.
until_true() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        ((SECONDS < deadline)) || return 1
        sleep 0.1
    done
}

# is_running PID MARK: a pid from a file means nothing after a reboot, so the process must also show MARK in its
# command line.
is_running() {
    local pid=$1 mark=$2
    [[ $pid =~ ^[0-9]+$ && -d /proc/$pid ]] || return 1
    # A zombie has an empty command line: it is gone, only not yet buried.
    tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null | grep -qF -- "$mark"
}
