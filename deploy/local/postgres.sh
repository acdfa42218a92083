# shellcheck shell=bash
# The private PostgreSQL: one cluster in the state folder, reachable over TCP on 127.0.0.1 with passwords only.
# Sourced after state.sh.

PG_ADMIN=gokart_admin
PG_HOME=$STATE/postgres
PG_DATA=$PG_HOME/data
PG_LOG=$PG_HOME/postgres.log
PREFERRED_PG_PORT=27032
# Each of these services owns one database; ingest has none.
DATABASE_SERVICES=(tracker offer_catalog attribution payout)

# The newest server installed. Debian keeps the binaries out of PATH, one folder a major version.
postgres_bin() {
    local found
    found=$(find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -path '*/bin/postgres' 2>/dev/null | sort -V | tail -n1)
    [[ -n $found ]] || found=$(command -v postgres || true)
    [[ -n $found ]] && dirname "$found"
}

postgres_user() { if [[ $(id -u) == 0 ]]; then echo postgres; else id -un; fi; }

as_postgres() { as "$(postgres_user)" "$PG_HOME" "$@"; }

postgres_running() {
    local pid
    [[ -f $PG_DATA/postmaster.pid ]] || return 1
    pid=$(head -n1 "$PG_DATA/postmaster.pid")
    is_running "$pid" "$PG_DATA"
}

create_cluster() {
    say "creating a PostgreSQL cluster in $PG_DATA"
    private_folder "$PG_HOME"
    own "$(postgres_user)" "$PG_HOME"
    # An interrupted initdb leaves a folder without the version file, and refuses it next time.
    rm -rf -- "${PG_HOME:?}/data"
    local password_file=$PG_HOME/password log=$PG_HOME/initdb.log
    (umask 077 && secret PG_ADMIN_PASSWORD >"$password_file")
    own "$(postgres_user)" "$password_file"
    # initdb reports at length, which only matters when it fails.
    if ! as_postgres "$(postgres_bin)/initdb" --pgdata="$PG_DATA.new" --username="$PG_ADMIN" --pwfile="$password_file" \
        --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 --data-checksums >"$log" 2>&1; then
        cat "$log" >&2
        rm -rf -- "${PG_HOME:?}/data.new" "$password_file"
        die "initdb failed"
    fi
    rm -f -- "$password_file"
    mv "$PG_DATA.new" "$PG_DATA"
}

start_postgres() {
    if postgres_running; then
        return 0
    fi
    [[ -f $PG_DATA/PG_VERSION ]] || create_cluster
    # Kept from the repository and not from initdb, so that a change reaches an existing cluster at its next start.
    cat "$CHECKOUT/deploy/postgres/postgresql.conf" >"$PG_DATA/postgresql.conf"
    own "$(postgres_user)" "$PG_DATA/postgresql.conf"
    local port attempt
    port=$(port_for_start PG_PORT "$PREFERRED_PG_PORT")
    # After a SIGKILL the children of the old postmaster live on for a moment and hold its shared memory.
    for attempt in 1 2 3 4 5; do
        if as_postgres "$(postgres_bin)/pg_ctl" start --pgdata="$PG_DATA" --log="$PG_LOG" --silent --wait --timeout=120 \
            --options="-p $port" >/dev/null 2>"$STATE/logs/pg_ctl.log" 9>&-; then
            say "PostgreSQL $(head -n1 "$PG_DATA/PG_VERSION") listens on 127.0.0.1:$port"
            return 0
        fi
        [[ $attempt == 5 ]] || sleep 1
    done
    cat "$STATE/logs/pg_ctl.log" >&2
    tail -n 20 "$PG_LOG" >&2 || true
    die "PostgreSQL did not start; its log is $PG_LOG"
}

# stop_postgres [fast|immediate]: `immediate` is the crash that the drills ask for: no checkpoint, recovery at start.
stop_postgres() {
    postgres_running || return 0
    as_postgres "$(postgres_bin)/pg_ctl" stop --pgdata="$PG_DATA" --mode="${1:-fast}" --silent --wait --timeout=60 9>&-
    say "PostgreSQL stopped"
}

postgres_psql() {
    PGPASSWORD=$(secret PG_ADMIN_PASSWORD) PGOPTIONS='' PGCONNECT_TIMEOUT=10 \
        "$(postgres_bin)/psql" --no-psqlrc --host=127.0.0.1 --port="$(port PG_PORT "$PREFERRED_PG_PORT")" --username="$PG_ADMIN" \
        --dbname=postgres "$@"
}

# A service meets PostgreSQL as two roles: one that owns the tables and migrates, one that works and cannot migrate.
# Passwords go through standard input: an argument would be readable in the list of processes.
provision_sql() {
    local service role
    # Creating a role may be repeated; \gexec runs the statement only when the query returned one.
    for service in "${DATABASE_SERVICES[@]}"; do
        for role in app migrate; do
            cat <<SQL
SELECT 'CREATE ROLE ${service}_$role LOGIN' WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '${service}_$role') \gexec
ALTER ROLE ${service}_$role LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD '$(secret "PG_${service^^}_${role^^}_PASSWORD")';
SQL
        done
        cat <<SQL
SELECT 'CREATE DATABASE gokart_$service OWNER ${service}_migrate' WHERE NOT EXISTS (SELECT FROM pg_database WHERE datname = 'gokart_$service') \gexec
REVOKE ALL ON DATABASE gokart_$service FROM PUBLIC;
GRANT CONNECT ON DATABASE gokart_$service TO ${service}_app;
SQL
    done
}

# Roles and databases, once; again when the list of services or this file changes.
provision_postgres() {
    local sql mark
    sql=$(provision_sql)
    mark=$(printf '%s' "$sql" | sha256sum)
    if [[ -f $STATE/provisioned && $(<"$STATE/provisioned") == "$mark" ]]; then
        return 0
    fi
    say "creating roles and databases: ${DATABASE_SERVICES[*]}"
    printf '%s\n' "$sql" | postgres_psql --quiet --set=ON_ERROR_STOP=1 >/dev/null
    printf '%s\n' "$mark" >"$STATE/provisioned"
}

# The lines of nodes.env that concern PostgreSQL.
postgres_env() {
    local service role name
    printf 'GOKART_PG_HOST=127.0.0.1\nGOKART_PG_PORT=%s\n' "$(port PG_PORT "$PREFERRED_PG_PORT")"
    printf 'GOKART_PG_SUPERUSER=%s\nGOKART_PG_PASSWORD=%s\n' "$PG_ADMIN" "$(secret PG_ADMIN_PASSWORD)"
    for service in "${DATABASE_SERVICES[@]}"; do
        for role in app migrate; do
            name=PG_${service^^}_${role^^}_PASSWORD
            printf 'GOKART_%s=%s\n' "$name" "$(secret "$name")"
        done
    done
}
