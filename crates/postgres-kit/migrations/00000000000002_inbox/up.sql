-- Which consumer has handled which fact: written in the transaction of the fact's effect. Not partitioned, because a
-- partition key inside the primary key would forget a fact at every boundary; swept by age instead.
CREATE TABLE inbox (
    consumer text        NOT NULL,
    fact_id  uuid        NOT NULL,
    seen_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, fact_id)
) WITH (
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.05
);

-- Rows arrive in the order of time, so a block range index finds the old ones and costs an insert nearly nothing.
CREATE INDEX inbox_seen_at ON inbox USING brin (seen_at) WITH (pages_per_range = 32, autosummarize = on);
