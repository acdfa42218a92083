DROP TABLE offer_budgets;
DROP FUNCTION changed_budgets_change_partner_feeds, new_budgets_change_partner_feeds, budgets_change_partner_feeds, budget_hides;
CREATE OR REPLACE FUNCTION offer_enters_partner_feed() RETURNS trigger LANGUAGE plpgsql AS $$
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
ALTER TABLE partner_offers DROP COLUMN resumes_at;
ALTER TABLE offers DROP COLUMN end_at;
