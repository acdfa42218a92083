-- Budgets that people raised at payout while they decided on conversions: the number of the last raise that each budget of an offer
-- has, 0 for none. Told with the newest version, so that payout knows that its raise is here. Written under the offer's lock.
CREATE TABLE offer_raises (
    tenant_id   uuid   NOT NULL,
    offer_id    uuid   NOT NULL,
    total_raise bigint NOT NULL CHECK (total_raise >= 0),
    daily_raise bigint NOT NULL CHECK (daily_raise >= 0),
    PRIMARY KEY (tenant_id, offer_id),
    FOREIGN KEY (tenant_id, offer_id) REFERENCES offers
);
