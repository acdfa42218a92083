#!/usr/bin/env bash
# GoKart's services on the private nodes of this checkout.
#
#   services.sh start|stop|status|logs [SERVICE...]     all, when none is named
#   services.sh env [SERVICE]                           its variables (secrets!), to run one by hand
#   services.sh demo [ARG...]                           the guide's example against the running stack
#
# `start` leaves alone what already runs with the same program and the same settings, and restarts what does not.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=deploy/local/state.sh
source "$here/state.sh"
# shellcheck source=deploy/local/postgres.sh
source "$here/postgres.sh"
# shellcheck source=deploy/local/rabbitmq.sh
source "$here/rabbitmq.sh"
# shellcheck source=deploy/local/settings.sh
source "$here/settings.sh"

SERVICES=(offer-catalog tracker ingest attribution payout console)

# GOKART_BIN chooses other builds, such as target/release.
BIN=${GOKART_BIN:-${CARGO_TARGET_DIR:-$CHECKOUT/target}/debug}
RUN=$STATE/services
LOGS=$STATE/logs
STACK_ENV=$(dirname "$NODES_ENV")/stack.env
# Longer than a service's own limit for draining: only one that hangs is killed.
STOP_SECONDS=45
READY_SECONDS=60

pid_of() { cat "$RUN/$1.pid" 2>/dev/null; }
running() { is_running "$(pid_of "$1")" "/$1 serve"; }
gone() { ! running "$1"; }

# Changes when the program was rebuilt or its settings changed.
fingerprint() {
    { stat -Lc '%i %Y %s' "$BIN/$1" && cat "$RUN/$1.env"; } | sha256sum
}

# exec_with_settings SERVICE FILE COMMAND...: become a command that sees the variables of FILE and none of the caller's,
# but for those that are meant for whoever debugs. Exported and not given to env(1): arguments are public.
exec_with_settings() {
    local service=$1 file=$2 name line
    shift 2
    for name in $(compgen -e); do
        case $name in
            PATH | HOME | FAILPOINTS | RUST_BACKTRACE) ;;
            # Some of bash's own cannot be unset, and do no harm.
            *) unset "$name" 2>/dev/null || true ;;
        esac
    done
    while IFS= read -r line; do
        export "${line?}"
    done <"$file"
    export LANG=C.UTF-8
    # A core file or a relative path of a service must not land in the checkout.
    private_folder "$RUN/$service"
    cd "$RUN/$service"
    exec "$@"
}

write_settings() {
    local service=$1
    (umask 077 && service_settings "$service" >"$RUN/$service.env")
}

migrate() {
    local service=$1 log=$LOGS/$1.migrate.log file=$RUN/$1.migrate.env
    (umask 077 && migrate_settings "$service" >"$file")
    if ! (exec_with_settings "$service" "$file" "$BIN/$service" migrate) >"$log" 2>&1 </dev/null 9>&-; then
        tail -n 30 "$log" >&2
        die "$service could not migrate its database; the whole log is $log"
    fi
}

# One earlier log is enough, and a laptop's disk is not ours.
turn_log() {
    if [[ -f $1 && $(stat -c %s "$1") -gt 52428800 ]]; then
        mv -f "$1" "$1.1"
    fi
}

launch() {
    local service=$1
    turn_log "$LOGS/$service.log"
    # A session of its own: Ctrl-C on the make that started it is not meant for the service.
    (exec_with_settings "$service" "$RUN/$service.env" setsid "$BIN/$service" serve) >>"$LOGS/$service.log" 2>&1 </dev/null 9>&- &
    echo $! >"$RUN/$service.pid"
    fingerprint "$service" >"$RUN/$service.fingerprint"
    until_true 10 visible_or_ended "$service" "$!"
}

# Between fork and exec the process still looks like this script.
visible_or_ended() { running "$1" || ! kill -0 "$2" 2>/dev/null; }

# readyz SERVICE: prints the body; succeeds on 200. In bash, because a bare machine has no curl.
readyz() {
    local line status=''
    exec 3<>"/dev/tcp/127.0.0.1/$(admin_port "$1")" || return 1
    printf 'GET /readyz HTTP/1.0\r\nHost: localhost\r\n\r\n' >&3
    read -r -t 5 _ status _ <&3 || true
    while read -r -t 5 line <&3 && [[ -n ${line%$'\r'} ]]; do :; done
    timeout 5 cat <&3 || true
    exec 3<&- 3>&-
    [[ $status == 200 ]]
}
ready() { (readyz "$1") >/dev/null 2>&1; }
why_not_ready() { (readyz "$1") 2>/dev/null || true; }

fail_with_log() {
    local service=$1 why=$2
    printf '\nThe last lines of %s:\n' "$LOGS/$service.log" >&2
    tail -n 25 "$LOGS/$service.log" >&2
    die "$service $why"
}

await_ready() {
    local service=$1 deadline=$((SECONDS + READY_SECONDS))
    until ready "$service"; do
        running "$service" || fail_with_log "$service" "ended right after its start"
        if ((SECONDS >= deadline)); then
            why_not_ready "$service" >&2
            fail_with_log "$service" "was not ready within $READY_SECONDS s"
        fi
        sleep 0.1
    done
}

stop_services() {
    local service
    local -a stopping=()
    for service in "$@"; do
        if running "$service"; then
            kill -TERM "$(pid_of "$service")"
            stopping+=("$service")
        fi
    done
    ((${#stopping[@]})) || return 0
    say "stopping ${stopping[*]}"
    local deadline=$((SECONDS + STOP_SECONDS))
    for service in "${stopping[@]}"; do
        local left=$((deadline - SECONDS))
        if ! until_true $((left > 0 ? left : 0)) gone "$service"; then
            warn "$service did not stop within $STOP_SECONDS s and is killed; its log is $LOGS/$service.log"
            kill -KILL "$(pid_of "$service")" || true
        fi
        rm -f -- "$RUN/$service.pid"
    done
}

# Ports are free to change only while nothing listens on them.
choose_ports() {
    local service=$1
    port_for_start "$(prefix "$service")_PORT" "${PREFERRED_HTTP_PORT[$service]}" >/dev/null
    port_for_start "$(prefix "$service")_ADMIN_PORT" $((PREFERRED_HTTP_PORT[$service] + 1)) >/dev/null
}

unchanged() {
    running "$1" && [[ -f $RUN/$1.fingerprint && $(fingerprint "$1") == "$(<"$RUN/$1.fingerprint")" ]]
}

start_services() {
    local service
    local -a starting=()
    for service in "$@"; do
        [[ -x $BIN/$service ]] || die "$BIN/$service does not exist; \`make run\` builds it"
        running "$service" || choose_ports "$service"
    done
    # Only when all ports are known: services name each other's.
    for service in "$@"; do
        write_settings "$service"
        unchanged "$service" || starting+=("$service")
    done
    if ((${#starting[@]})); then
        raise_file_limit
        stop_services "${starting[@]}"
        for service in "${starting[@]}"; do
            if has_database "$service"; then
                say "migrating the database of $service"
                migrate "$service"
            fi
        done
        say "starting ${starting[*]}"
        for service in "${starting[@]}"; do
            launch "$service"
        done
    fi
    for service in "$@"; do
        await_ready "$service"
    done
    write_stack_env
}

# For the demo, and for people with curl.
write_stack_env() {
    local service
    (
        umask 077
        {
            echo "# Written by deploy/local/services.sh at every start."
            for service in "${SERVICES[@]}"; do
                printf 'GOKART_%s_URL=http://127.0.0.1:%s\n' "$(prefix "$service")" "$(http_port "$service")"
                printf 'GOKART_%s_ADMIN_URL=http://127.0.0.1:%s\n' "$(prefix "$service")" "$(admin_port "$service")"
            done
            printf 'GOKART_OPERATOR_TOKEN=%s\n' "$(secret OPERATOR_TOKEN)"
        } >"$STACK_ENV.new"
    )
    mv -f "$STACK_ENV.new" "$STACK_ENV"
}

row() { printf '  %-14s %-8s %-24s %s\n' "$@"; }

status() {
    local service state
    if ! has_state; then
        echo "no services yet for this checkout"
        return 0
    fi
    row SERVICE STATE API 'ADMIN (/livez /readyz /metrics)'
    for service in "$@"; do
        if gone "$service"; then
            state=stopped
        elif ready "$service"; then
            state=ready
        else
            state=unready
        fi
        row "$service" "$state" "http://127.0.0.1:$(http_port "$service")" "http://127.0.0.1:$(admin_port "$service")"
        if [[ $state == unready ]]; then
            printf '    %s\n' "$(why_not_ready "$service")"
        fi
    done
}

what_next() {
    cat <<TEXT

GoKart is ready.
  data, logs     $STATE
  addresses      $STACK_ENV
  web page       http://127.0.0.1:$(http_port console)

  make demo      a click and five postbacks become money, step by step
  make logs      follow what the services say
  make status    this table again
  make stop      stop everything, keep the data
  make clean     stop everything, delete the data
TEXT
}

locked() {
    open_state
    lock_state
    private_folder "$RUN"
    "$@"
}

command=${1:-help}
shift || true
chosen=("$@")
((${#chosen[@]})) || chosen=("${SERVICES[@]}")
case $command in
    start)
        locked start_services "${chosen[@]}"
        echo
        status "${SERVICES[@]}"
        echo
        "$here/nodes.sh" status | sed 's/^/  /'
        what_next
        ;;
    stop) ! has_state || locked stop_services "${chosen[@]}" ;;
    status) status "${chosen[@]}" ;;
    logs)
        has_state || die "no logs yet: nothing was started"
        chosen=("${chosen[@]/#/$LOGS/}")
        exec tail -n 20 -F "${chosen[@]/%/.log}"
        ;;
    env) cat "$RUN/${1:?which service?}.env" ;;
    demo)
        [[ -x $BIN/demo ]] || die "$BIN/demo does not exist; \`make demo\` builds it"
        GOKART_STACK=$STACK_ENV GOKART_NODES=$NODES_ENV exec "$BIN/demo" "$@"
        ;;
    *) sed -n '2,8s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" ;;
esac
