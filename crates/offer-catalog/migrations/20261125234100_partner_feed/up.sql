-- The partner feed: what a publisher sees of the offers that are shared with it, and when that changed. Triggers keep both
-- tables, so whatever writes an offer (a person, a scheduled change, an import) changes the feed in the same transaction.

-- The feed of a publisher. Its row is locked by every change of the feed until that commits, so moments are committed in their
-- order: who has seen everything up to one misses nothing by asking for what came after it.
CREATE TABLE partner_feeds (
    tenant_id    uuid        NOT NULL,
    publisher_id uuid        NOT NULL,
    -- Of the last change; no two changes of a feed have the same.
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, publisher_id),
    FOREIGN KEY (tenant_id, publisher_id) REFERENCES publishers (tenant_id, publisher_id)
);

-- A shared offer's line in it. Dates are here as well, because a launch or an end that comes is a change that nobody writes.
CREATE TABLE partner_offers (
    tenant_id    uuid        NOT NULL,
    offer_id     uuid        NOT NULL,
    publisher_id uuid        NOT NULL,
    shared_at    timestamptz NOT NULL,
    offer_type   text        NOT NULL,
    launch_at    timestamptz,
    end_at       timestamptz,
    changed_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, offer_id),
    FOREIGN KEY (tenant_id, offer_id) REFERENCES offer_shares (tenant_id, offer_id)
);

-- A page: walked in the order of sharing, which never changes.
CREATE INDEX partner_offers_page ON partner_offers (tenant_id, publisher_id, shared_at, offer_id) INCLUDE (offer_type);
-- What changed since, and which dates have come: each the end of an index.
CREATE INDEX partner_offers_changed ON partner_offers (tenant_id, publisher_id, changed_at);
CREATE INDEX partner_offers_launch ON partner_offers (tenant_id, publisher_id, launch_at) WHERE launch_at IS NOT NULL;
CREATE INDEX partner_offers_end ON partner_offers (tenant_id, publisher_id, end_at) WHERE end_at IS NOT NULL;

-- Of an offer's fields, what its publisher sees; other changes are not its business. Revenue shows where the payout is a share
-- of it. What is not named here is taken to be seen: a change too many is told rather than one too few.
CREATE FUNCTION partner_sees(fields jsonb) RETURNS jsonb LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN jsonb_typeof(fields -> 'events') = 'array' THEN
        fields - ARRAY[
            'advertiserId', 'advertiserCampaignName', 'trackingSystem', 'trackingSystemLink', 'fallbackLink', 'appId',
            'totalBudget', 'dailyBudget', 'caps', 'overLimitAction', 'reverseOnFraud', 'sequenceGraceHours', 'sequenceRules'
        ] || jsonb_build_object('events', (
            SELECT jsonb_agg(
                CASE WHEN event -> 'payout' ? 'shareOfRevenue' THEN event - 'caps' ELSE event - ARRAY['caps', 'revenue'] END
                ORDER BY place
            )
            FROM jsonb_array_elements(
                CASE WHEN jsonb_typeof(fields -> 'events') = 'array' THEN fields -> 'events' END
            ) WITH ORDINALITY AS listed (event, place)
        ))
    ELSE fields END
$$;

-- A stored moment (microseconds) as a date of the feed; beyond the years 1970 to 9999 their ends are as good.
CREATE FUNCTION partner_date(micros jsonb) RETURNS timestamptz LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN jsonb_typeof(micros) = 'number' THEN
        timestamptz 'epoch' + least(greatest(micros::bigint, 0), 253402300799000000) * interval '1 microsecond'
    END
$$;

-- Notes a change of a feed and answers its moment: later than every one before, whatever the clock does.
CREATE FUNCTION touch_partner_feed(tenant uuid, publisher uuid) RETURNS timestamptz LANGUAGE sql AS $$
    INSERT INTO partner_feeds AS feed (tenant_id, publisher_id, changed_at)
    VALUES (tenant, publisher, clock_timestamp())
    ON CONFLICT (tenant_id, publisher_id) DO UPDATE
        SET changed_at = greatest(clock_timestamp(), feed.changed_at + interval '1 microsecond')
    RETURNING changed_at
$$;

CREATE FUNCTION offer_enters_partner_feed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed timestamptz := touch_partner_feed(NEW.tenant_id, NEW.publisher_id);
BEGIN
    INSERT INTO partner_offers
    SELECT NEW.tenant_id, NEW.offer_id, NEW.publisher_id, NEW.shared_at, fields ->> 'offerType',
        partner_date(fields -> 'launchAt'), partner_date(fields -> 'endAt'), changed
    FROM offers WHERE tenant_id = NEW.tenant_id AND offer_id = NEW.offer_id;
    RETURN NULL;
END
$$;

CREATE FUNCTION offer_changes_partner_feed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    publisher uuid;
BEGIN
    IF OLD.status = NEW.status AND partner_sees(OLD.fields) = partner_sees(NEW.fields) THEN
        RETURN NULL;
    END IF;
    SELECT publisher_id INTO publisher FROM offer_shares
    WHERE tenant_id = NEW.tenant_id AND offer_id = NEW.offer_id;
    IF FOUND THEN
        UPDATE partner_offers
        SET launch_at = partner_date(NEW.fields -> 'launchAt'), end_at = partner_date(NEW.fields -> 'endAt'),
            changed_at = touch_partner_feed(NEW.tenant_id, publisher)
        WHERE tenant_id = NEW.tenant_id AND offer_id = NEW.offer_id;
    END IF;
    RETURN NULL;
END
$$;

-- What was shared before.
INSERT INTO partner_offers
SELECT tenant_id, offer_id, publisher_id, shared_at, fields ->> 'offerType',
    partner_date(fields -> 'launchAt'), partner_date(fields -> 'endAt'), now()
FROM offer_shares JOIN offers USING (tenant_id, offer_id);
INSERT INTO partner_feeds SELECT DISTINCT tenant_id, publisher_id, now() FROM offer_shares;

CREATE TRIGGER offer_enters_partner_feed AFTER INSERT ON offer_shares
    FOR EACH ROW EXECUTE FUNCTION offer_enters_partner_feed();
CREATE TRIGGER offer_changes_partner_feed AFTER UPDATE OF status, fields ON offers
    FOR EACH ROW WHEN (NEW.newest_version > 0) EXECUTE FUNCTION offer_changes_partner_feed();
