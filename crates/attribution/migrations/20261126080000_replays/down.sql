DROP TABLE replay_sums, replay_counts, replay_differences, replay_journeys, replays;
ALTER TABLE journeys DROP COLUMN replayed;
