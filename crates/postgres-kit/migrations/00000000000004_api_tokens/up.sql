-- This service's copy of the catalog's API tokens: keyed hashes, never tokens. The last version wins.
CREATE TABLE api_tokens (
    tenant_id    uuid        NOT NULL,
    token_id     uuid        NOT NULL,
    token_hash   bytea       NOT NULL CHECK (octet_length(token_hash) = 32),
    role         text        NOT NULL CHECK (role IN ('owner', 'manager', 'analyst', 'publisher')),
    publisher_id uuid        CHECK ((publisher_id IS NOT NULL) = (role = 'publisher')),
    expires_at   timestamptz,
    revoked      boolean     NOT NULL,
    version      bigint      NOT NULL,
    PRIMARY KEY (tenant_id, token_id)
);

-- The caller's tenant is what a look-up finds out, so this one index does not begin with it; not unique, so that the
-- table can still be distributed by tenant.
CREATE INDEX api_tokens_hash ON api_tokens (token_hash);
