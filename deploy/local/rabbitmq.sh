# shellcheck shell=bash
# The private RabbitMQ: one node with its own name, cookie, epmd, ports and data, on 127.0.0.1 only.
# Sourced after state.sh.

RABBIT_BIN=/usr/lib/rabbitmq/bin
RABBIT_HOME=$STATE/rabbitmq
# Its own name even where two state folders share a checkout: a developer's and CI's.
RABBIT_NODE=gokart-$(printf '%s' "$STATE" | sha256sum | cut -c1-10)@localhost
RABBIT_PID_FILE=$RABBIT_HOME/pid
RABBIT_LOG=$RABBIT_HOME/rabbitmq.log
RABBIT_USER=gokart
PREFERRED_AMQP_PORT=27072
PREFERRED_DIST_PORT=27073
PREFERRED_EPMD_PORT=27069

rabbitmq_installed() { [[ -x $RABBIT_BIN/rabbitmq-server ]]; }

rabbitmq_user() { if [[ $(id -u) == 0 ]]; then echo rabbitmq; else id -un; fi; }

# Everything that would otherwise be shared with a broker of the system, or with another checkout, is named.
rabbitmq_environment() {
    cat <<ENV
RABBITMQ_NODENAME=$RABBIT_NODE
RABBITMQ_CONF_ENV_FILE=$RABBIT_HOME/no-such-file
RABBITMQ_CONFIG_FILE=$RABBIT_HOME/rabbitmq.conf
RABBITMQ_CONFIG_FILES=$RABBIT_HOME/conf.d
RABBITMQ_ADVANCED_CONFIG_FILE=$RABBIT_HOME/no-such-file
RABBITMQ_ENABLED_PLUGINS_FILE=$RABBIT_HOME/enabled_plugins
RABBITMQ_MNESIA_BASE=$RABBIT_HOME/mnesia
RABBITMQ_LOG_BASE=$RABBIT_HOME/log
RABBITMQ_LOGS=-
RABBITMQ_PID_FILE=$RABBIT_PID_FILE
RABBITMQ_DIST_PORT=$(port DIST_PORT "$PREFERRED_DIST_PORT")
RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}
RABBITMQ_CTL_ERL_ARGS=-kernel inet_dist_use_interface {127,0,0,1}
RABBITMQ_CTL_DIST_PORT_MAX=35772
ERL_EPMD_PORT=$(port EPMD_PORT "$PREFERRED_EPMD_PORT")
ERL_EPMD_ADDRESS=127.0.0.1
ENV
}

# exec_as_rabbitmq COMMAND...: become one of RabbitMQ's programs for the private node.
exec_as_rabbitmq() {
    local -a environment
    mapfile -t environment < <(rabbitmq_environment)
    exec_as "$(rabbitmq_user)" "$RABBIT_HOME" "${environment[@]}" "$@"
}

rabbitmq_pid() { cat "$RABBIT_PID_FILE" 2>/dev/null; }

# The Erlang VM shows its HOME in its command line, which no other node shares.
rabbitmq_gone() { ! is_running "$1" "-home $RABBIT_HOME "; }

rabbitmq_running() { ! rabbitmq_gone "$(rabbitmq_pid)"; }

rabbitmq_answers() {
    # A listener that accepts but does not speak yet is not ready: ask for the protocol and expect its first method.
    local port reply
    port=$(port AMQP_PORT "$PREFERRED_AMQP_PORT")
    reply=$( (
        exec 3<>"/dev/tcp/127.0.0.1/$port" || exit 1
        printf 'AMQP\x00\x00\x09\x01' >&3
        timeout 2 head -c1 <&3 | od -An -tx1
    ) 2>/dev/null) || return 1
    [[ $reply == *01* ]]
}

write_rabbitmq_files() {
    local amqp=$1
    private_folder "$RABBIT_HOME" "$RABBIT_HOME"/{conf.d,mnesia,log}
    (
        umask 077
        {
            cat "$CHECKOUT/deploy/rabbitmq/rabbitmq.conf"
            printf '\n# What only this node has.\n'
            printf 'listeners.tcp.1 = 127.0.0.1:%s\n' "$amqp"
            printf 'default_user = %s\ndefault_pass = %s\n' "$RABBIT_USER" "$(secret AMQP_PASSWORD)"
        } >"$RABBIT_HOME/rabbitmq.conf"
        cat "$CHECKOUT/deploy/rabbitmq/enabled_plugins" >"$RABBIT_HOME/enabled_plugins"
        # Erlang demands that nobody else can read it, and 255 characters at most.
        [[ -f $RABBIT_HOME/.erlang.cookie ]] || secret ERLANG_COOKIE >"$RABBIT_HOME/.erlang.cookie"
        chmod 400 "$RABBIT_HOME/.erlang.cookie"
        [[ -f $RABBIT_LOG ]] || : >"$RABBIT_LOG"
    )
    own "$(rabbitmq_user)" "$RABBIT_HOME" "$RABBIT_HOME"/{conf.d,mnesia,log,rabbitmq.conf,enabled_plugins,.erlang.cookie,rabbitmq.log}
}

start_rabbitmq() {
    if rabbitmq_running; then
        until_true 90 rabbitmq_answers || die "RabbitMQ runs but does not answer; its log is $RABBIT_LOG"
        return 0
    fi
    local amqp launcher deadline
    amqp=$(port_for_start AMQP_PORT "$PREFERRED_AMQP_PORT")
    port_for_start DIST_PORT "$PREFERRED_DIST_PORT" >/dev/null
    write_rabbitmq_files "$amqp"
    start_epmd
    rm -f -- "$RABBIT_PID_FILE"
    # A session of its own: Ctrl-C on the make that started it is not meant for the broker.
    (exec_as_rabbitmq setsid "$RABBIT_BIN/rabbitmq-server") >>"$RABBIT_LOG" 2>&1 </dev/null 9>&- &
    launcher=$!
    deadline=$((SECONDS + 120))
    until rabbitmq_answers; do
        if ! kill -0 "$launcher" 2>/dev/null || ((SECONDS >= deadline)); then
            tail -n 30 "$RABBIT_LOG" >&2
            die "RabbitMQ did not start; its log is $RABBIT_LOG"
        fi
        sleep 0.2
    done
    say "RabbitMQ listens on 127.0.0.1:$amqp"
}

stop_rabbitmq() {
    local pid
    if rabbitmq_running; then
        pid=$(rabbitmq_pid)
        # SIGTERM is a clean stop for an Erlang node, and spares the seconds that rabbitmqctl takes to start.
        kill -TERM "$pid"
        if ! until_true 60 rabbitmq_gone "$pid"; then
            warn "RabbitMQ ignored SIGTERM for 60 s and is killed"
            kill -KILL "$pid"
            until_true 10 rabbitmq_gone "$pid" || die "RabbitMQ (pid $pid) cannot be killed"
        fi
        say "RabbitMQ stopped"
    fi
    stop_epmd
}

# The crash that the drills ask for. Its epmd stays, as it would on a real machine.
kill_rabbitmq() {
    local pid
    rabbitmq_running || die "RabbitMQ does not run"
    pid=$(rabbitmq_pid)
    kill -KILL "$pid"
    until_true 10 rabbitmq_gone "$pid" || die "RabbitMQ (pid $pid) cannot be killed"
    say "RabbitMQ killed"
}

epmd_pid() { cat "$RABBIT_HOME/epmd.pid" 2>/dev/null; }

epmd_running() { is_running "$(epmd_pid)" "epmd -address 127.0.0.1 -port "; }

# Erlang would start its port mapper by itself and leave it behind without a trace of whose it was. Started here, its
# pid is known, so that exactly this one can be ended.
start_epmd() {
    epmd_running && return
    local port
    port=$(port_for_start EPMD_PORT "$PREFERRED_EPMD_PORT")
    (exec_as "$(rabbitmq_user)" "$RABBIT_HOME" setsid epmd -address 127.0.0.1 -port "$port") \
        >>"$RABBIT_LOG" 2>&1 </dev/null 9>&- &
    echo $! >"$RABBIT_HOME/epmd.pid"
    until_true 10 port_answers "$port" || die "epmd does not listen on 127.0.0.1:$port"
}

stop_epmd() {
    local pid
    epmd_running || return 0
    pid=$(epmd_pid)
    kill -TERM "$pid"
    until_true 10 epmd_gone || kill -KILL "$pid"
}

epmd_gone() { ! epmd_running; }

amqp_url() {
    printf 'amqp://%s:%s@127.0.0.1:%s/%%2f\n' "$RABBIT_USER" "$(secret AMQP_PASSWORD)" "$(port AMQP_PORT "$PREFERRED_AMQP_PORT")"
}

# The lines of nodes.env that concern RabbitMQ.
rabbitmq_env() {
    printf 'GOKART_AMQP_PORT=%s\nGOKART_AMQP_URL=%s\n' "$(port AMQP_PORT "$PREFERRED_AMQP_PORT")" "$(amqp_url)"
}
