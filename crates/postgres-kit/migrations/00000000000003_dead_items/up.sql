-- Items that could not be handled, with the reason, kept until a person replays or discards them. The item is bytes
-- and not text: what is poison may well hold a NUL or broken UTF-8.
CREATE TABLE dead_items (
    -- All zeros when the item was too broken to tell.
    tenant_id uuid        NOT NULL,
    id        bigint      GENERATED ALWAYS AS IDENTITY,
    consumer  text        NOT NULL,
    -- Absent when the item was too broken to tell.
    fact_id   uuid,
    fact      text        NOT NULL,
    item      bytea       NOT NULL,
    reason    text        NOT NULL,
    burials   integer     NOT NULL DEFAULT 1 CHECK (burials > 0),
    buried_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id),
    -- A redelivered poison item is the same dead item; items without an id are all kept.
    UNIQUE (tenant_id, consumer, fact_id)
);
