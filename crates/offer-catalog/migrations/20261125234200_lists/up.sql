-- What lists filter and sort by. An offer's list finds the ids of its page in one of these indexes, then reads those rows.

-- Comes with PostgreSQL, and the owner of a database may add it. What a text contains is found by its groups of three letters.
CREATE EXTENSION IF NOT EXISTS pg_trgm;

ALTER TABLE offers
    ADD COLUMN offer_type      text GENERATED ALWAYS AS (fields ->> 'offerType') STORED,
    ADD COLUMN tracking_system text GENERATED ALWAYS AS (fields ->> 'trackingSystem') STORED;

CREATE INDEX offers_last_changed ON offers (tenant_id, updated_at DESC, offer_id);
CREATE INDEX offers_by_name ON offers (tenant_id, name, offer_id);
CREATE INDEX offers_status ON offers (tenant_id, status, created_at DESC, offer_id);
CREATE INDEX offers_advertiser ON offers (tenant_id, advertiser_id, created_at DESC, offer_id);
CREATE INDEX offers_type ON offers (tenant_id, offer_type, created_at DESC, offer_id);
CREATE INDEX offers_tracking_system ON offers (tenant_id, tracking_system, created_at DESC, offer_id);
CREATE INDEX offers_name_contains ON offers USING gin (name gin_trgm_ops);

-- Partners and tokens are hundreds, their filters are read through.
CREATE INDEX advertisers_by_name ON advertisers (tenant_id, name, advertiser_id);
CREATE INDEX publishers_by_name ON publishers (tenant_id, name, publisher_id);

-- How many offers there are of each kind, counted as they change: a list says its total without counting 100,000 rows. Rows are
-- only added, so nobody waits for anybody; `sum` is the count, and what has become many rows is written as one again.
CREATE TABLE offer_counts (
    count_id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant_id       uuid   NOT NULL,
    status          text   NOT NULL,
    offer_type      text,
    tracking_system text,
    offers          bigint NOT NULL
);

CREATE INDEX offer_counts_tenant ON offer_counts (tenant_id) INCLUDE (status, offer_type, tracking_system, offers);

INSERT INTO offer_counts (tenant_id, status, offer_type, tracking_system, offers)
SELECT tenant_id, status, offer_type, tracking_system, count(*)
FROM offers GROUP BY tenant_id, status, offer_type, tracking_system;

-- A statement's offers at once: an import adds a row for each kind, not for each offer.
CREATE FUNCTION count_new_offers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO offer_counts (tenant_id, status, offer_type, tracking_system, offers)
    SELECT tenant_id, status, offer_type, tracking_system, count(*)
    FROM added GROUP BY tenant_id, status, offer_type, tracking_system;
    RETURN NULL;
END
$$;

CREATE FUNCTION count_changed_offers() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO offer_counts (tenant_id, status, offer_type, tracking_system, offers)
    SELECT tenant_id, status, offer_type, tracking_system, sum(n)
    FROM (
        SELECT tenant_id, status, offer_type, tracking_system, 1 AS n FROM after_change
        UNION ALL
        SELECT tenant_id, status, offer_type, tracking_system, -1 FROM before_change
    ) AS moved
    GROUP BY tenant_id, status, offer_type, tracking_system HAVING sum(n) <> 0;
    RETURN NULL;
END
$$;

CREATE TRIGGER offers_are_counted AFTER INSERT ON offers
    REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION count_new_offers();
CREATE TRIGGER offers_are_counted_again AFTER UPDATE ON offers
    REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change
    FOR EACH STATEMENT EXECUTE FUNCTION count_changed_offers();
