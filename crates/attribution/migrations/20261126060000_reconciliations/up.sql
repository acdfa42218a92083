-- AppsFlyer's reports laid beside what came here. Removed some weeks after they came: see `flows/reconcile`.

CREATE TABLE reconciliations (
    tenant_id         uuid        NOT NULL,
    reconciliation_id uuid        NOT NULL,
    report            text        NOT NULL CHECK (report IN ('installs', 'inAppEvents', 'postbacks')),
    tolerance_seconds integer     NOT NULL CHECK (tolerance_seconds >= 0),
    token_id          uuid        NOT NULL,
    begun_at          timestamptz NOT NULL DEFAULT now(),
    -- The last time a part of the body arrived: one that stays away is not coming.
    seen_at           timestamptz NOT NULL DEFAULT now(),
    -- When the body was whole. Only then is anything compared.
    received_at       timestamptz,
    finished_at       timestamptz,
    -- Why it will never be finished.
    failure           text,
    lines             bigint      NOT NULL DEFAULT 0,
    compared          bigint      NOT NULL DEFAULT 0,
    -- The last click whose lines were compared.
    after             uuid,
    PRIMARY KEY (tenant_id, reconciliation_id)
);

-- What is to be worked on, whoever's it is.
CREATE INDEX reconciliations_open ON reconciliations (begun_at) WHERE finished_at IS NULL AND failure IS NULL;

CREATE TABLE reconciliation_lines (
    tenant_id         uuid   NOT NULL,
    reconciliation_id uuid   NOT NULL,
    line              bigint NOT NULL CHECK (line > 0),
    click_id          uuid,
    said              jsonb  NOT NULL,
    -- Null until it has been compared.
    bucket            text,
    code              text,
    receipt           uuid,
    conversion_id     uuid,
    difference        text,
    PRIMARY KEY (tenant_id, reconciliation_id, line),
    CHECK ((bucket IS NULL) = (code IS NULL))
);

CREATE INDEX reconciliation_lines_by_click ON reconciliation_lines (tenant_id, reconciliation_id, click_id, line)
    WHERE click_id IS NOT NULL;
CREATE INDEX reconciliation_lines_by_bucket ON reconciliation_lines (tenant_id, reconciliation_id, bucket, line)
    WHERE bucket IS NOT NULL;

-- Lines by bucket and code, kept with them, so that asking how far it is costs nothing.
CREATE TABLE reconciliation_counts (
    tenant_id         uuid   NOT NULL,
    reconciliation_id uuid   NOT NULL,
    bucket            text   NOT NULL,
    code              text   NOT NULL,
    lines             bigint NOT NULL,
    PRIMARY KEY (tenant_id, reconciliation_id, bucket, code)
);
