DROP TABLE offer_shares, offer_event_names, offer_events, offer_versions, offers;
DROP FUNCTION refuse_change();
