-- A tenant and the tokens that were issued for it. `revision` counts the changes of a row's aggregate: the version of its
-- fact.
CREATE TABLE tenants (
    tenant_id        uuid        PRIMARY KEY,
    -- As its owner writes it; never changed.
    domain           text        NOT NULL CHECK (length(domain) BETWEEN 1 AND 63),
    display_name     text        NOT NULL,
    time_zone        text        NOT NULL,
    default_currency text        NOT NULL CHECK (default_currency ~ '^[A-Z]{3}$'),
    media_sources    text[]      NOT NULL,
    revision         bigint      NOT NULL CHECK (revision > 0),
    created_at       timestamptz NOT NULL
);

-- Compared without case. The one index that does not begin with the tenant: it is what a tenant is found by.
CREATE UNIQUE INDEX tenants_domain ON tenants (lower(domain));

-- What people see of a token. The hash and the rights that are checked at the door live in `api_tokens`, which every
-- service has; both rows change in one transaction.
CREATE TABLE issued_tokens (
    tenant_id    uuid        NOT NULL REFERENCES tenants,
    token_id     uuid        NOT NULL,
    label        text        NOT NULL,
    token_hash   bytea       NOT NULL CHECK (octet_length(token_hash) = 32),
    role         text        NOT NULL CHECK (role IN ('owner', 'manager', 'analyst', 'publisher')),
    publisher_id uuid        CHECK ((publisher_id IS NOT NULL) = (role = 'publisher')),
    expires_at   timestamptz,
    revoked_at   timestamptz,
    revision     bigint      NOT NULL CHECK (revision > 0),
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, token_id)
);
