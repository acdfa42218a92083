-- What people decided on conversions, and who: the audit. Rows are only added.
CREATE TABLE conversion_decisions (
    tenant_id       uuid        NOT NULL,
    conversion_id   uuid        NOT NULL,
    -- The change that it made.
    status_revision bigint      NOT NULL,
    decision        text        NOT NULL CHECK (decision IN ('approve', 'reject', 'restore', 'clear_review')),
    -- Whose token asked for it.
    token_id        uuid        NOT NULL,
    reason          text        NOT NULL,
    decided_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, conversion_id, status_revision)
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON conversion_decisions
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_past();
