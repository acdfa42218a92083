-- Whether an offer's budget lets clicks through, as payout said last. Without a foreign key: what is told of an offer that is not
-- here (yet, or after a restore) is kept for it.
CREATE TABLE offer_budgets (
    tenant_id  uuid    NOT NULL,
    offer_id   uuid    NOT NULL,
    -- Counts the state's changes at payout.
    version    bigint  NOT NULL CHECK (version > 0),
    is_spent   boolean NOT NULL,
    -- When only the daily budget is spent: the moment from which on it is open without another word.
    resumes_at timestamptz,
    PRIMARY KEY (tenant_id, offer_id),
    CHECK (is_spent OR resumes_at IS NULL)
);

-- Those that are spent are few.
CREATE INDEX offer_budgets_spent ON offer_budgets (tenant_id, offer_id) WHERE is_spent;

-- What the derived status is found by; the launch of a shared offer is in partner_offers.
ALTER TABLE offers ADD COLUMN end_at timestamptz GENERATED ALWAYS AS (partner_date(fields -> 'endAt')) STORED;

-- The partner feed shows an offer without money as paused. A budget that resumes is a date that comes by itself, as a launch is.
ALTER TABLE partner_offers ADD COLUMN resumes_at timestamptz;
CREATE INDEX partner_offers_resumes ON partner_offers (tenant_id, publisher_id, resumes_at) WHERE resumes_at IS NOT NULL;

CREATE OR REPLACE FUNCTION offer_enters_partner_feed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed timestamptz := touch_partner_feed(NEW.tenant_id, NEW.publisher_id);
BEGIN
    INSERT INTO partner_offers
        (tenant_id, offer_id, publisher_id, shared_at, offer_type, launch_at, end_at, changed_at, resumes_at)
    SELECT NEW.tenant_id, NEW.offer_id, NEW.publisher_id, NEW.shared_at, fields ->> 'offerType',
        partner_date(fields -> 'launchAt'), offers.end_at, changed, budget.resumes_at
    FROM offers LEFT JOIN offer_budgets AS budget USING (tenant_id, offer_id)
    WHERE offers.tenant_id = NEW.tenant_id AND offers.offer_id = NEW.offer_id;
    RETURN NULL;
END
$$;

-- Takes over when budgets resume, and notes a change of the feed for those whose state is seen now. Feeds are locked in the order of
-- their keys, each once however many of its offers are told.
CREATE FUNCTION budgets_change_partner_feeds(tenants uuid[], ids uuid[], resume timestamptz[], seen boolean[])
RETURNS void LANGUAGE sql AS $$
    WITH moved AS (
        SELECT tenant_id, offer_id, line.publisher_id, told.resumes_at, told.is_seen
        FROM unnest(tenants, ids, resume, seen) AS told (tenant_id, offer_id, resumes_at, is_seen)
        JOIN partner_offers AS line USING (tenant_id, offer_id)
    ), feeds AS MATERIALIZED (
        SELECT DISTINCT tenant_id, publisher_id FROM moved WHERE is_seen ORDER BY tenant_id, publisher_id
    ), touched AS MATERIALIZED (
        SELECT tenant_id, publisher_id, touch_partner_feed(tenant_id, publisher_id) AS changed_at FROM feeds
    )
    UPDATE partner_offers AS line
    SET resumes_at = moved.resumes_at,
        changed_at = CASE WHEN moved.is_seen THEN touched.changed_at ELSE line.changed_at END
    FROM moved LEFT JOIN touched USING (tenant_id, publisher_id)
    WHERE line.tenant_id = moved.tenant_id AND line.offer_id = moved.offer_id
$$;

CREATE FUNCTION budget_hides(is_spent boolean, resumes_at timestamptz) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT is_spent AND (resumes_at IS NULL OR resumes_at > now())
$$;

CREATE FUNCTION new_budgets_change_partner_feeds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM budgets_change_partner_feeds(
        array_agg(tenant_id), array_agg(offer_id), array_agg(resumes_at), array_agg(budget_hides(is_spent, resumes_at))
    )
    FROM added WHERE is_spent HAVING count(*) > 0;
    RETURN NULL;
END
$$;

-- A date that has come stays when payout says so as well: the feed moved on at that moment, and must not move back.
CREATE FUNCTION changed_budgets_change_partner_feeds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM budgets_change_partner_feeds(
        array_agg(tenant_id),
        array_agg(offer_id),
        array_agg(CASE
            WHEN later.is_spent THEN later.resumes_at
            WHEN earlier.resumes_at <= now() THEN earlier.resumes_at
        END),
        array_agg(budget_hides(earlier.is_spent, earlier.resumes_at) <> budget_hides(later.is_spent, later.resumes_at))
    )
    FROM before_change AS earlier JOIN after_change AS later USING (tenant_id, offer_id)
    WHERE earlier.is_spent OR later.is_spent
    HAVING count(*) > 0;
    RETURN NULL;
END
$$;

CREATE TRIGGER new_budgets_change_partner_feeds AFTER INSERT ON offer_budgets
    REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION new_budgets_change_partner_feeds();
CREATE TRIGGER changed_budgets_change_partner_feeds AFTER UPDATE ON offer_budgets
    REFERENCING OLD TABLE AS before_change NEW TABLE AS after_change
    FOR EACH STATEMENT EXECUTE FUNCTION changed_budgets_change_partner_feeds();
