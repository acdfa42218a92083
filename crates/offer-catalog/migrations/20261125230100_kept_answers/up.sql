-- What was answered to a call with an Idempotency-Key, kept in the transaction of its effect: the same call again gets the
-- same answer. Answers can hold secrets that are shown once, so each is sealed.
CREATE TABLE kept_answers (
    tenant_id       uuid        NOT NULL REFERENCES tenants,
    token_id        uuid        NOT NULL,
    idempotency_key text        NOT NULL CHECK (length(idempotency_key) BETWEEN 1 AND 255),
    -- SHA-256 of method, path and body: the same key with another body is a mistake.
    request_hash    bytea       NOT NULL CHECK (octet_length(request_hash) = 32),
    status          smallint    NOT NULL,
    etag            text,
    is_secret       boolean     NOT NULL,
    sealed_body     bytea       NOT NULL,
    kept_at         timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, token_id, idempotency_key)
);

-- What is too old is forgotten, of all tenants at once.
CREATE INDEX kept_answers_age ON kept_answers (kept_at);
