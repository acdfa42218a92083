-- Advertisers' names, for their statements: the last version of each wins.
CREATE TABLE advertisers (
    tenant_id     uuid   NOT NULL,
    advertiser_id uuid   NOT NULL,
    version       bigint NOT NULL,
    name          text   NOT NULL,
    PRIMARY KEY (tenant_id, advertiser_id)
);
