-- Which apps use a generation of a credential, as ingest tells: sums of what its replicas counted. app_id is empty for calls
-- that named none, and for those of apps beyond the number that is told apart.
CREATE TABLE credential_uses (
    tenant_id     uuid        NOT NULL,
    credential_id uuid        NOT NULL,
    generation    integer     NOT NULL,
    app_id        text        NOT NULL CHECK (octet_length(app_id) <= 255),
    first_used_at timestamptz NOT NULL,
    last_used_at  timestamptz NOT NULL CHECK (last_used_at >= first_used_at),
    uses          bigint      NOT NULL CHECK (uses > 0),
    PRIMARY KEY (tenant_id, credential_id, generation, app_id),
    FOREIGN KEY (tenant_id, credential_id, generation)
        REFERENCES credential_generations (tenant_id, credential_id, generation)
);
