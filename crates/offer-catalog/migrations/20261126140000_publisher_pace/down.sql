ALTER TABLE publishers
    DROP COLUMN max_concurrency,
    DROP COLUMN max_per_second;
