DROP TRIGGER offer_changes_partner_feed ON offers;
DROP TRIGGER offer_enters_partner_feed ON offer_shares;
DROP FUNCTION offer_changes_partner_feed, offer_enters_partner_feed, touch_partner_feed, partner_date, partner_sees;
DROP TABLE partner_offers, partner_feeds;
