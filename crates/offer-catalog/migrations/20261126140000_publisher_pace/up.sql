-- How fast a publisher is told; absent: as payout's settings say.
ALTER TABLE publishers
    ADD COLUMN max_concurrency integer CHECK (max_concurrency BETWEEN 1 AND 256),
    ADD COLUMN max_per_second  integer CHECK (max_per_second BETWEEN 1 AND 10000);
