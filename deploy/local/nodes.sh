#!/usr/bin/env bash
# The private PostgreSQL and RabbitMQ of this checkout: the same for `make run` and for the tests.
#
#   nodes.sh start|stop|status|clean        both
#   nodes.sh start-postgres | stop-postgres [immediate]
#   nodes.sh start-rabbitmq | stop-rabbitmq | kill-rabbitmq
#   nodes.sh psql [ARG...] | rabbitmqctl ARG...
#
# Variables: GOKART_STATE (state folder), GOKART_NODES (where nodes.env is written; <checkout>/.local/nodes.env).
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd -P)
# shellcheck source=deploy/local/state.sh
source "$here/state.sh"
# shellcheck source=deploy/local/postgres.sh
source "$here/postgres.sh"
# shellcheck source=deploy/local/rabbitmq.sh
source "$here/rabbitmq.sh"

need_servers() {
    if [[ -z $(postgres_bin) ]] || ! rabbitmq_installed; then
        die "PostgreSQL or RabbitMQ is not installed; \`make nodes\` installs them"
    fi
}

# Commands of one word for the tests, which call them without a shell and perhaps without our variables.
write_commands() {
    local command
    mkdir -p "$STATE/bin"
    for command in nodes rabbitmqctl; do
        {
            printf '#!/usr/bin/env bash\n# Written by deploy/local/nodes.sh at every start.\n'
            printf 'export GOKART_STATE=%q GOKART_NODES=%q\n' "$STATE" "$NODES_ENV"
            printf 'exec %q ' "$CHECKOUT/deploy/local/nodes.sh"
            [[ $command == nodes ]] || printf '%s ' "$command"
            # shellcheck disable=SC2016 # expanded by the written script
            printf '"$@"\n'
        } >"$STATE/bin/$command.new"
        chmod 755 "$STATE/bin/$command.new"
        mv -f "$STATE/bin/$command.new" "$STATE/bin/$command"
    done
}

# Written whole and then moved into place: a test that starts meanwhile never reads half a file.
write_nodes_env() {
    mkdir -p "$(dirname "$NODES_ENV")"
    (
        umask 077
        {
            echo "# Written by deploy/local/nodes.sh at every start."
            postgres_env
            rabbitmq_env
            printf 'GOKART_RABBITMQCTL=%s\nGOKART_NODES_CTL=%s\n' "$STATE/bin/rabbitmqctl" "$STATE/bin/nodes"
            printf 'GOKART_STATE=%s\n' "$STATE"
        } >"$NODES_ENV.new"
    )
    mv -f "$NODES_ENV.new" "$NODES_ENV"
}

start_nodes() {
    need_servers
    need_way_in "$(postgres_user)"
    need_way_in "$(rabbitmq_user)"
    raise_file_limit
    start_postgres
    start_rabbitmq
    provision_postgres
    write_commands
    write_nodes_env
}

# One server again, after a drill stopped it. Its port is the same unless somebody took it meanwhile.
start_again() {
    need_servers
    raise_file_limit
    "$1"
    write_nodes_env
}

stop_nodes() {
    stop_rabbitmq
    stop_postgres "$@"
}

status_line() { printf '%-14s %-8s %s\n' "$@"; }

status() {
    if ! has_state; then
        echo "no nodes yet for this checkout ($STATE does not exist)"
        return 0
    fi
    if postgres_running; then
        status_line PostgreSQL running "127.0.0.1:$(port PG_PORT "$PREFERRED_PG_PORT")  log $PG_LOG"
    else
        status_line PostgreSQL stopped "data in $PG_DATA"
    fi
    if rabbitmq_running; then
        status_line RabbitMQ running "127.0.0.1:$(port AMQP_PORT "$PREFERRED_AMQP_PORT")  log $RABBIT_LOG"
    else
        status_line RabbitMQ stopped "data in $RABBIT_HOME/mnesia"
    fi
}

# Commands that change something hold the lock; those that a test calls many times at once do not.
locked() {
    open_state
    lock_state
    "$@"
}

if_state() { ! has_state || locked "$@"; }

clean_nodes() {
    # Their data goes next: a checkpoint would be wasted.
    stop_nodes immediate
    delete_state
    say "deleted $STATE"
}

command=${1:-help}
shift || true
case $command in
    start) locked start_nodes ;;
    stop) if_state stop_nodes ;;
    status) status ;;
    clean) if_state clean_nodes ;;
    start-postgres) locked start_again start_postgres ;;
    stop-postgres) if_state stop_postgres "$@" ;;
    start-rabbitmq) locked start_again start_rabbitmq ;;
    stop-rabbitmq) if_state stop_rabbitmq ;;
    kill-rabbitmq) if_state kill_rabbitmq ;;
    psql) postgres_psql "$@" ;;
    rabbitmqctl) exec_as_rabbitmq "$RABBIT_BIN/rabbitmqctl" "$@" ;;
    *) sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" ;;
esac
