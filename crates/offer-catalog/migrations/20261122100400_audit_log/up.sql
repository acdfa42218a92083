-- Who did what to which thing, with its state before and after. Never a secret, never changed.
CREATE TABLE audit_log (
    tenant_id uuid        NOT NULL REFERENCES tenants,
    entry_id  uuid        NOT NULL,
    at        timestamptz NOT NULL,
    -- Absent: the operator of the installation.
    token_id  uuid,
    action    text        NOT NULL,
    subject   uuid        NOT NULL,
    before    jsonb,
    after     jsonb,
    PRIMARY KEY (tenant_id, entry_id)
);

CREATE INDEX audit_log_subject ON audit_log (tenant_id, subject, entry_id);

CREATE TRIGGER audit_log_is_immutable BEFORE UPDATE OR DELETE ON audit_log
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
