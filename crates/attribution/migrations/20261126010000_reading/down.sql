DROP TABLE redrives, rollup_deltas, rollups;
DROP INDEX decisions_by_code;
ALTER TABLE decisions
    DROP COLUMN offer_id, DROP COLUMN publisher_id, DROP COLUMN event_id, DROP COLUMN country, DROP COLUMN platform,
    DROP COLUMN conversion_id, DROP COLUMN appsflyer_id, DROP COLUMN member_id, DROP COLUMN pub_click_id;
