-- What a person rejected, by click: looked at for every verdict that may not have heard of it. Few rows, and none that a
-- verdict writes.
CREATE INDEX conversions_rejected_by_person ON conversions (tenant_id, gk_click_id)
    WHERE status_by = 'person' AND status IN ('rejected', 'reversed');

-- Plans that are worked off take turns.
ALTER TABLE bulk_statuses
    -- Not before; who has waited longest is next.
    ADD COLUMN turn_at        timestamptz NOT NULL DEFAULT now(),
    -- The click of which the last step decided only some lines.
    ADD COLUMN begun_click_id uuid;

DROP INDEX bulk_statuses_open;
CREATE INDEX bulk_statuses_open ON bulk_statuses (turn_at) WHERE applied_at IS NOT NULL AND finished_at IS NULL;
