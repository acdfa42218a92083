-- Changes of an event's revenue, payout or reward that are to happen by themselves. A row never goes away: it ends as
-- Applied, Failed or Cancelled.
CREATE TABLE scheduled_changes (
    tenant_id      uuid        NOT NULL,
    change_id      uuid        NOT NULL,
    offer_id       uuid        NOT NULL,
    offer_event_id uuid        NOT NULL,
    field          text        NOT NULL CHECK (field IN ('revenue', 'payout', 'reward')),
    value          jsonb       NOT NULL,
    due_at         timestamptz NOT NULL,
    status         text        NOT NULL CHECK (status IN ('Pending', 'Applied', 'Failed', 'Cancelled')),
    -- Why it failed.
    reason         text        CHECK ((reason IS NOT NULL) = (status = 'Failed')),
    -- The version that has it.
    version        integer     CHECK ((version IS NOT NULL) = (status = 'Applied')),
    scheduled_by   uuid        NOT NULL,
    created_at     timestamptz NOT NULL,
    -- When it was applied, failed or was cancelled.
    settled_at     timestamptz CHECK ((settled_at IS NULL) = (status = 'Pending')),
    PRIMARY KEY (tenant_id, change_id),
    FOREIGN KEY (tenant_id, offer_id) REFERENCES offers (tenant_id, offer_id)
);

-- Never two at one hour, whatever the caller believes.
CREATE UNIQUE INDEX scheduled_changes_hour
    ON scheduled_changes (tenant_id, offer_id, offer_event_id, field, due_at) WHERE status = 'Pending';
-- What is due, of all tenants at once.
CREATE INDEX scheduled_changes_due ON scheduled_changes (due_at) WHERE status = 'Pending';
CREATE INDEX scheduled_changes_offer ON scheduled_changes (tenant_id, offer_id, due_at);
