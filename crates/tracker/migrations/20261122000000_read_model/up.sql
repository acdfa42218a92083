-- The tracker's read model of the catalog. It owns nothing here: every row is a fact of offer-catalog, kept as it came
-- (so that a field this release does not know is not lost) beside the columns that are searched.

CREATE TABLE tenants (
    tenant_id uuid PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    fact bytea NOT NULL
);

CREATE TABLE offers (
    tenant_id uuid NOT NULL,
    offer_id uuid NOT NULL,
    revision bigint NOT NULL CHECK (revision > 0),
    -- Null until the offer is shared; then for ever the same.
    link_id uuid,
    fact bytea NOT NULL,
    PRIMARY KEY (tenant_id, offer_id)
);

CREATE UNIQUE INDEX offers_link_id ON offers (link_id) WHERE link_id IS NOT NULL;

CREATE TABLE offer_versions (
    tenant_id uuid NOT NULL,
    offer_id uuid NOT NULL,
    version integer NOT NULL CHECK (version > 0),
    fact bytea NOT NULL,
    PRIMARY KEY (tenant_id, offer_id, version)
);
