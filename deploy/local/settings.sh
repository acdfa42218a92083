# shellcheck shell=bash
# The settings of each service on the local stack, as environment variables: what differs from its settings.default.toml.
# Sourced after state.sh, postgres.sh and rabbitmq.sh.

# First choices of ports; the admin port is the next one.
declare -A PREFERRED_HTTP_PORT=(
    [offer-catalog]=27100 [tracker]=27110 [ingest]=27120 [attribution]=27130 [payout]=27140
    [console]=27150
)

# offer-catalog → OFFER_CATALOG: the prefix of its variables, and its part in names of ports and secrets.
prefix() {
    local upper=${1^^}
    printf '%s\n' "${upper//-/_}"
}

http_port() { port "$(prefix "$1")_PORT" "${PREFERRED_HTTP_PORT[$1]}"; }
admin_port() { port "$(prefix "$1")_ADMIN_PORT" $((PREFERRED_HTTP_PORT[$1] + 1)); }

has_database() { [[ $1 != ingest && $1 != console ]]; }
has_bus() { [[ $1 != console ]]; }

# keyring NAME: a keyring with one key, made once: `1:` and 32 bytes in base64url.
keyring() {
    if ! recall secrets.env "$1"; then
        remember secrets.env "$1" "1:$(head -c32 /dev/urandom | base64 -w0 | tr '+/' '-_' | tr -d '=')"
        recall secrets.env "$1"
    fi
}

# database_url SERVICE ROLE
database_url() {
    local database=${1//-/_}
    printf 'postgres://%s_%s:%s@127.0.0.1:%s/gokart_%s\n' "$database" "$2" \
        "$(secret "PG_$(prefix "$1")_${2^^}_PASSWORD")" "$(port PG_PORT "$PREFERRED_PG_PORT")" "$database"
}

# service_settings SERVICE: its variables, KEY=VALUE a line.
service_settings() {
    local service=$1 key
    key=$(prefix "$service")
    printf '%s__HTTP__LISTEN=127.0.0.1:%s\n' "$key" "$(http_port "$service")"
    printf '%s__ADMIN__LISTEN=127.0.0.1:%s\n' "$key" "$(admin_port "$service")"
    if has_bus "$service"; then
        printf '%s__BUS__URL=%s\n' "$key" "$(amqp_url)"
    fi
    # No load balancer needs time to notice.
    printf '%s__STOP__READINESS_LAG_MS=0\n' "$key"
    if has_database "$service"; then
        printf '%s__DATABASE__URL=%s\n' "$key" "$(database_url "$service" app)"
    fi
    case $service in
        offer-catalog)
            printf '%s__AUTH__TOKEN_PEPPER=%s\n' "$key" "$(secret TOKEN_PEPPER)"
            printf '%s__OPERATOR__TOKEN=%s\n' "$key" "$(secret OPERATOR_TOKEN)"
            printf '%s__CREDENTIALS__KEYS=%s\n' "$key" "$(keyring CREDENTIAL_KEYS)"
            printf '%s__SEALING__KEYS=%s\n' "$key" "$(keyring SEALING_KEYS)"
            # The demo's publisher listens on this machine; in production nothing private may be saved.
            printf '%s__POSTBACKS__ALLOWED_NETWORKS=127.0.0.0/8\n' "$key"
            # Without `{domain}`: a laptop has no wildcard DNS, so URLs name the tenant in a parameter.
            printf '%s__PUBLIC__POSTBACK_BASE_URL=http://127.0.0.1:%s\n' "$key" "$(http_port ingest)"
            printf '%s__PUBLIC__TRACKING_BASE_URL=http://127.0.0.1:%s\n' "$key" "$(http_port tracker)"
            printf '%s__PUBLIC__CREATIVES_BASE_URL=http://127.0.0.1:%s\n' "$key" "$(http_port "$service")"
            printf '%s__CREATIVES__FOLDER=%s\n' "$key" "$STATE/services/$service/creatives"
            ;;
        tracker)
            printf '%s__CLICKS__KEYS=%s\n' "$key" "$(keyring CLICK_KEYS)"
            printf '%s__SPOOL__FOLDER=%s\n' "$key" "$STATE/services/tracker/spool"
            printf '%s__OFFERS__FILE=%s\n' "$key" "$STATE/services/tracker/offers"
            ;;
        ingest)
            printf '%s__SPOOL__FOLDER=%s\n' "$key" "$STATE/services/ingest/spool"
            printf '%s__CREDENTIALS__KEYS=%s\n' "$key" "$(keyring CREDENTIAL_KEYS)"
            printf '%s__CREDENTIALS__GENERATIONS_FILE=%s\n' "$key" "$STATE/services/ingest/credential-generations"
            ;;
        attribution)
            printf '%s__AUTH__TOKEN_PEPPER=%s\n' "$key" "$(secret TOKEN_PEPPER)"
            printf '%s__CLICKS__KEYS=%s\n' "$key" "$(keyring CLICK_KEYS)"
            ;;
        payout)
            printf '%s__AUTH__TOKEN_PEPPER=%s\n' "$key" "$(secret TOKEN_PEPPER)"
            printf '%s__SEALING__KEYS=%s\n' "$key" "$(keyring SEALING_KEYS)"
            # The demo's publisher listens on this machine; in production nothing private may be called.
            printf '%s__CLIENT__ALLOWED_NETWORKS=127.0.0.0/8\n' "$key"
            ;;
        console)
            printf '%s__SERVICES__OFFER_CATALOG_URL=http://127.0.0.1:%s\n' "$key" "$(http_port offer-catalog)"
            printf '%s__SERVICES__ATTRIBUTION_URL=http://127.0.0.1:%s\n' "$key" "$(http_port attribution)"
            printf '%s__SERVICES__PAYOUT_URL=http://127.0.0.1:%s\n' "$key" "$(http_port payout)"
            # A laptop has no TLS.
            printf '%s__SESSION__SECURE_COOKIE=false\n' "$key"
            ;;
        *) die "no settings are known for the service $service" ;;
    esac
}

# What only `migrate` gets: the role that owns the schema is out of reach of a service that serves.
migrate_settings() {
    service_settings "$1"
    printf '%s__DATABASE__MIGRATE_URL=%s\n' "$(prefix "$1")" "$(database_url "$1" migrate)"
}
