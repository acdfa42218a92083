-- Advertisers' names, for their statements: the last version of each wins.
CREATE TABLE advertisers (
    tenant_id     uuid   NOT NULL,
    advertiser_id uuid   NOT NULL,
    version       bigint NOT NULL,
    name          text   NOT NULL,
    PRIMARY KEY (tenant_id, advertiser_id)
);

-- Which limit had no room when a conversion was accepted unpaid; absent of those of before this was written down.
ALTER TABLE conversions ADD COLUMN unpaid_for text;
