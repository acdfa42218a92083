DROP TRIGGER offers_are_counted_again ON offers;
DROP TRIGGER offers_are_counted ON offers;
DROP FUNCTION count_changed_offers, count_new_offers;
DROP TABLE offer_counts;
DROP INDEX publishers_by_name, advertisers_by_name, offers_name_contains, offers_tracking_system, offers_type,
    offers_advertiser, offers_status, offers_by_name, offers_last_changed;
ALTER TABLE offers DROP COLUMN tracking_system, DROP COLUMN offer_type;
-- The extension stays: others may use it.
