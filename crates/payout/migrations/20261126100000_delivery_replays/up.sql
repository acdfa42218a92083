-- Deliveries that ended can be told again, one by one or by an order for many; and the log of deliveries can be read.

ALTER TABLE deliveries
    -- Attempts of schedules that are over: a replay begins a new one, and attempts go on being counted.
    ADD COLUMN attempts_before integer NOT NULL DEFAULT 0 CHECK (attempts_before >= 0),
    -- The order that told it again last.
    ADD COLUMN replay_id       uuid;

-- What a page of the log and a replay read: each publisher's own, by the time of the status change.
CREATE INDEX deliveries_log ON deliveries (tenant_id, publisher_id, created_at, delivery_id);
-- The few that failed among very many that did not. A delivery is not in it until it fails.
CREATE INDEX deliveries_failed ON deliveries (tenant_id, publisher_id, created_at, delivery_id)
    WHERE state IN ('exhausted', 'stopped');
-- Told again and not tried yet: bounded by what a replay may have due at a time.
CREATE INDEX deliveries_replaying ON deliveries (tenant_id, publisher_id)
    WHERE state = 'waiting' AND replay_id IS NOT NULL AND attempts = attempts_before;

ALTER TABLE delivery_attempts
    -- Names of the headers that were sent, a blank between two: never a value.
    ADD COLUMN headers     text NOT NULL DEFAULT '',
    -- From the beginning of the call to the status line.
    ADD COLUMN answered_ms integer;

-- What was ordered to be told again, by whom and why: the audit as well.
CREATE TABLE delivery_replays (
    tenant_id         uuid        NOT NULL,
    replay_id         uuid        NOT NULL,
    publisher_id      uuid        NOT NULL,
    -- Absent: all of the publisher's.
    endpoint_id       uuid,
    -- Present: this one, which was made due at once.
    delivery_id       uuid,
    -- How the deliveries must have ended, before the order.
    states            text[]      NOT NULL,
    -- When their statuses changed; half-open.
    created_from      timestamptz,
    created_until     timestamptz,
    token_id          uuid        NOT NULL,
    reason            text        NOT NULL,
    ordered_at        timestamptz NOT NULL DEFAULT now(),
    state             text        NOT NULL CHECK (state IN ('running', 'done', 'stopped')),
    -- Found when it was ordered.
    total             bigint      NOT NULL CHECK (total >= 0),
    replayed          bigint      NOT NULL DEFAULT 0,
    skipped           bigint      NOT NULL DEFAULT 0,
    -- The last delivery that was looked at.
    after_created_at  timestamptz,
    after_delivery_id uuid        CHECK ((after_delivery_id IS NULL) = (after_created_at IS NULL)),
    -- When it goes on.
    step_at           timestamptz CHECK ((step_at IS NOT NULL) = (state = 'running')),
    ended_at          timestamptz CHECK ((ended_at IS NULL) = (state = 'running')),
    stopped_by        uuid        CHECK ((stopped_by IS NOT NULL) = (state = 'stopped')),
    PRIMARY KEY (tenant_id, replay_id)
);

-- One at a time for each publisher: together they would have more due than one may.
CREATE UNIQUE INDEX delivery_replays_running ON delivery_replays (tenant_id, publisher_id) WHERE state = 'running';
CREATE INDEX delivery_replays_due ON delivery_replays (step_at) WHERE state = 'running';
CREATE INDEX delivery_replays_latest ON delivery_replays (tenant_id, ordered_at);

-- What became of each delivery of an order. Rows are only added.
CREATE TABLE delivery_replay_items (
    tenant_id       uuid        NOT NULL,
    replay_id       uuid        NOT NULL,
    delivery_id     uuid        NOT NULL,
    -- Absent: it was made due.
    skipped_because text        CHECK (skipped_because IN
        ('already_waiting', 'newer_is_waiting', 'superseded', 'endpoint_is_off', 'endpoint_is_paused')),
    -- Its attempts until then.
    attempts_before integer     NOT NULL,
    judged_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, replay_id, delivery_id)
);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON delivery_replay_items
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_past();

-- How often an endpoint was tried out with a sample in a minute, and who did it last.
CREATE TABLE endpoint_tests (
    tenant_id   uuid        NOT NULL,
    endpoint_id uuid        NOT NULL,
    minute      timestamptz NOT NULL,
    tests       integer     NOT NULL CHECK (tests > 0),
    token_id    uuid        NOT NULL,
    PRIMARY KEY (tenant_id, endpoint_id)
);
