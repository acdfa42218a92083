-- Budgets that people raised at payout while they decided on conversions: the number of the last raise that each budget of an offer
-- has, 0 for none. Told with the newest version, so that payout knows that its raise is here.
ALTER TABLE offers
    ADD COLUMN total_raise bigint NOT NULL DEFAULT 0 CHECK (total_raise >= 0),
    ADD COLUMN daily_raise bigint NOT NULL DEFAULT 0 CHECK (daily_raise >= 0);
