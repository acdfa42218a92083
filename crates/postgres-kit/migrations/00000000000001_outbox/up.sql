-- Facts that are committed but not yet confirmed by the broker. A queue in transit, not a record: rows live for
-- milliseconds, so there is no tenant here (the envelope carries it) and nothing is ever looked up by it.
CREATE TABLE outbox (
    position    bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fact_id     uuid        NOT NULL,
    exchange    text        NOT NULL,
    routing_key text        NOT NULL,
    envelope    bytea       NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (
    -- Every row dies young: vacuum by count, not by a share of a table that is nearly always empty.
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 10000,
    autovacuum_vacuum_insert_scale_factor = 0,
    autovacuum_vacuum_insert_threshold = 100000,
    autovacuum_vacuum_cost_delay = 0
);

-- Protobuf gains little from compression and the hot path pays for it.
ALTER TABLE outbox ALTER COLUMN envelope SET STORAGE EXTERNAL;
