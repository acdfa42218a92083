-- Attribution's own tables. Every key begins with the tenant, so rows can be distributed by tenant.

-- The read model of the catalog: each row is a fact as it came, beside the columns that are searched. The highest
-- version wins, of equal ones the last; versions of an offer are all kept.
CREATE TABLE tenants (
    tenant_id uuid   PRIMARY KEY,
    version   bigint NOT NULL,
    fact      bytea  NOT NULL
);

CREATE TABLE credentials (
    tenant_id     uuid   NOT NULL,
    credential_id uuid   NOT NULL,
    version       bigint NOT NULL,
    fact          bytea  NOT NULL,
    PRIMARY KEY (tenant_id, credential_id)
);

CREATE TABLE offers (
    tenant_id uuid   NOT NULL,
    offer_id  uuid   NOT NULL,
    revision  bigint NOT NULL,
    fact      bytea  NOT NULL,
    PRIMARY KEY (tenant_id, offer_id)
);

CREATE TABLE offer_versions (
    tenant_id uuid    NOT NULL,
    offer_id  uuid    NOT NULL,
    version   integer NOT NULL CHECK (version > 0),
    fact      bytea   NOT NULL,
    PRIMARY KEY (tenant_id, offer_id, version)
);

-- One click's life. A stub is made by whichever comes first, the click or a postback that names it; its row lock is
-- what makes them meet.
CREATE TABLE journeys (
    tenant_id    uuid        NOT NULL,
    click_id     uuid        NOT NULL,
    created_at   timestamptz NOT NULL DEFAULT now(),
    -- The ClickRecorded fact as it came; null until the click arrives.
    click        bytea,
    clicked_at   timestamptz,
    offer_id     uuid,
    publisher_id uuid,
    -- The time up to which input had been seen when the journey was last judged; never goes back.
    horizon      timestamptz,
    -- When time alone changes a decision next.
    wait_until   timestamptz,
    -- Whether a later version, credential or predecessor may change a decision.
    open         boolean     NOT NULL DEFAULT false,
    PRIMARY KEY (tenant_id, click_id),
    CHECK ((click IS NULL) = (offer_id IS NULL))
) WITH (fillfactor = 85);

-- The sweep asks for what is due, whoever's it is; this one index therefore begins with the time.
CREATE INDEX journeys_due ON journeys (wait_until) WHERE wait_until IS NOT NULL;
-- Those of them that still have no click: an alarm asks for them every few seconds, while the others are many.
CREATE INDEX journeys_clickless ON journeys (wait_until) WHERE click IS NULL AND wait_until IS NOT NULL;
-- Journeys that a new version of their offer may decide anew, in the order in which they are worked through.
CREATE INDEX journeys_open ON journeys (tenant_id, offer_id, click_id) WHERE open;

-- The stamped facts of a journey with their current code: all that is needed to judge it again. Holds as long as the
-- journey does, longer than the raw postbacks.
CREATE TABLE journey_postbacks (
    tenant_id             uuid        NOT NULL,
    click_id              uuid        NOT NULL,
    receipt               uuid        NOT NULL,
    received_at           timestamptz NOT NULL,
    credential_id         uuid        NOT NULL,
    credential_generation integer     NOT NULL,
    claims                jsonb       NOT NULL,
    -- What rules 4 and 10 found when they first ran: `PASSED` or a code; null until then.
    settled_fit           text,
    settled_calendar      text,
    code                  text        NOT NULL,
    revision              integer     NOT NULL CHECK (revision > 0),
    traceparent           text        NOT NULL,
    tracestate            text        NOT NULL,
    PRIMARY KEY (tenant_id, click_id, receipt)
);

-- The last verdict that was told about each conversion.
CREATE TABLE conversions (
    tenant_id     uuid        NOT NULL,
    click_id      uuid        NOT NULL,
    conversion_id uuid        NOT NULL,
    revision      bigint      NOT NULL CHECK (revision > 0),
    verdict       jsonb       NOT NULL,
    told_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, click_id, conversion_id)
);

-- Raw postbacks, scrubbed of credentials, by day of receipt. Bytes: they may not be text.
CREATE TABLE postbacks (
    tenant_id             uuid        NOT NULL,
    received_at           timestamptz NOT NULL,
    receipt               uuid        NOT NULL,
    click_id              uuid,
    credential_id         uuid        NOT NULL,
    credential_generation integer     NOT NULL,
    method                text        NOT NULL,
    query                 bytea       NOT NULL,
    content_type          text        NOT NULL,
    body                  bytea       NOT NULL,
    caller_ip             text        NOT NULL,
    caller_outside_ranges boolean     NOT NULL,
    notes                 text        NOT NULL,
    PRIMARY KEY (tenant_id, received_at, receipt)
) PARTITION BY RANGE (received_at);
CREATE TABLE postbacks_default PARTITION OF postbacks DEFAULT;

-- Decisions: one current for each postback, earlier ones kept. Traces are codes and inputs, rendered when read.
CREATE TABLE decisions (
    tenant_id   uuid        NOT NULL,
    received_at timestamptz NOT NULL,
    receipt     uuid        NOT NULL,
    revision    integer     NOT NULL CHECK (revision > 0),
    is_current  boolean     NOT NULL,
    click_id    uuid,
    code        text        NOT NULL,
    trace       jsonb       NOT NULL,
    decided_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, received_at, receipt, revision)
) PARTITION BY RANGE (received_at);
CREATE TABLE decisions_default PARTITION OF decisions DEFAULT;

-- Journeys to be judged again because the catalog changed, worked through in bounded steps.
CREATE TABLE rejudgements (
    tenant_id  uuid        NOT NULL,
    id         bigint      GENERATED ALWAYS AS IDENTITY,
    -- Null: every offer of the tenant that has open journeys, one after the other.
    offer_id   uuid,
    -- The last click id done; where all offers are gone through, the last offer noted.
    after      uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tenant_id, id)
);

-- What the running replicas know of their input; nobody's data, so without a tenant. Rows of replicas that are gone are
-- removed by the others.
CREATE TABLE replicas (
    replica uuid        PRIMARY KEY,
    -- Whether it has just read a batch late.
    lags    boolean     NOT NULL,
    seen_at timestamptz NOT NULL
);

-- Makes the partitions of the days to come. The role that serves may not create tables; it may call this, and this can
-- do nothing else. Postbacks of a day without a partition go to the default one, so being late loses nothing.
CREATE FUNCTION attribution_make_partitions(ahead_days integer) RETURNS integer
    LANGUAGE plpgsql
    SECURITY DEFINER
    SET search_path = pg_catalog, public, pg_temp
    SET lock_timeout = '2s'
AS $$
DECLARE
    parent text;
    day date;
    partition text;
    made integer := 0;
BEGIN
    IF ahead_days < 0 OR ahead_days > 60 THEN
        RAISE EXCEPTION 'ahead_days must be 0..=60, is %', ahead_days;
    END IF;
    PERFORM pg_advisory_xact_lock(hashtext('attribution_make_partitions'));
    FOR day IN SELECT timezone('UTC', now())::date + step FROM generate_series(-1, ahead_days) AS step LOOP
        FOREACH parent IN ARRAY ARRAY ['postbacks', 'decisions'] LOOP
            partition := format('%s_%s', parent, to_char(day, 'YYYYMMDD'));
            IF to_regclass(format('public.%I', partition)) IS NULL THEN
                EXECUTE format(
                    'CREATE TABLE public.%I PARTITION OF public.%I FOR VALUES FROM (%L) TO (%L)',
                    partition, parent, timezone('UTC', day::timestamp), timezone('UTC', (day + 1)::timestamp));
                made := made + 1;
            END IF;
        END LOOP;
    END LOOP;
    RETURN made;
END
$$;

SELECT attribution_make_partitions(14);
