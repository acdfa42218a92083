DROP TABLE endpoint_tests;
DROP TABLE delivery_replay_items;
DROP TABLE delivery_replays;
ALTER TABLE delivery_attempts DROP COLUMN headers, DROP COLUMN answered_ms;
DROP INDEX deliveries_replaying;
DROP INDEX deliveries_failed;
DROP INDEX deliveries_log;
ALTER TABLE deliveries DROP COLUMN attempts_before, DROP COLUMN replay_id;
