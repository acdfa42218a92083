-- What endpoints' answers say of them; one without a row never failed. Shared by all replicas, so that a breaker outlives
-- each of them and one probe is one probe.
CREATE TABLE endpoint_conditions (
    tenant_id     uuid        NOT NULL,
    endpoint_id   uuid        NOT NULL,
    -- Failures in a row, while its breaker is closed.
    failures      integer     NOT NULL DEFAULT 0 CHECK (failures >= 0),
    -- While it is open: the moment of the next probe, or the end of the lease of the one that is under way.
    open_until    timestamptz,
    failed_probes integer     NOT NULL DEFAULT 0 CHECK (failed_probes >= 0),
    probing       boolean     NOT NULL DEFAULT false,
    -- 410 in a row.
    gone          integer     NOT NULL DEFAULT 0 CHECK (gone >= 0),
    paused_at     timestamptz,
    -- Counts what endpoint_pauses holds of it.
    pauses        bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, endpoint_id)
);

CREATE INDEX endpoint_conditions_held ON endpoint_conditions (tenant_id, endpoint_id)
    WHERE paused_at IS NOT NULL OR open_until IS NOT NULL;

-- Pauses and resumptions, and who or what made them: the audit. Rows are only added.
CREATE TABLE endpoint_pauses (
    tenant_id   uuid        NOT NULL,
    endpoint_id uuid        NOT NULL,
    -- 1, 2, 3 …
    number      bigint      NOT NULL,
    change      text        NOT NULL CHECK (change IN ('paused', 'resumed')),
    -- Its own answers, a person, or another URL in the catalog.
    made_by     text        NOT NULL CHECK (made_by IN ('answers', 'person', 'catalog')),
    token_id    uuid        CHECK ((token_id IS NOT NULL) = (made_by = 'person')),
    reason      text        NOT NULL,
    made_at     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, endpoint_id, number)
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON endpoint_pauses
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_past();

-- Postbacks a second; absent: the setting's default. And the token bucket that keeps it: when it was empty; absent: full.
ALTER TABLE publishers
    ADD COLUMN max_per_second integer CHECK (max_per_second > 0),
    ADD COLUMN bucket_empty_at timestamptz;

-- What a claim reads: each endpoint's own due work, oldest first, so that the backlog of one that is held is not read.
CREATE INDEX deliveries_due_of_endpoint ON deliveries (tenant_id, endpoint_id, due_at) WHERE state = 'waiting';
CREATE INDEX deliveries_exhausted_of_endpoint ON deliveries (tenant_id, endpoint_id) WHERE state = 'exhausted';

-- Absent in rows of earlier releases.
ALTER TABLE delivery_attempts ADD COLUMN endpoint_id uuid;
-- What an endpoint answered lately.
CREATE INDEX delivery_attempts_of_endpoint ON delivery_attempts (tenant_id, endpoint_id, started_at)
    WHERE endpoint_id IS NOT NULL;
