-- Whether an offer's budget lets clicks through, as payout says it: its newest fact, kept as it came.

CREATE TABLE budgets (
    tenant_id uuid NOT NULL,
    offer_id uuid NOT NULL,
    version bigint NOT NULL CHECK (version > 0),
    fact bytea NOT NULL,
    PRIMARY KEY (tenant_id, offer_id)
);
