-- How many postbacks each event had in each hour, as they stood when the hour was over. The rollups of an hour that is
-- past go on changing (what waited is decided, what was not mapped is mapped), so they can not say what is usual for an hour
-- that is fresh; these rows can. The zero UUID as offer: the Event ID in the whole tenant, whatever the offer, and without one.
CREATE TABLE alarm_hours (
    tenant_id    uuid        NOT NULL,
    hour         timestamptz NOT NULL,
    offer_id     uuid        NOT NULL,
    event_id     text        NOT NULL,
    postbacks    bigint      NOT NULL,
    unmapped     bigint      NOT NULL,
    out_of_order bigint      NOT NULL,
    duplicate    bigint      NOT NULL,
    privacy      bigint      NOT NULL,
    PRIMARY KEY (tenant_id, hour, offer_id, event_id)
);
-- Whoever forgets old hours asks for them, whoever's they are.
CREATE INDEX alarm_hours_old ON alarm_hours (hour);

-- One row: the replicas' look-out. Its lock is what keeps two from looking at once, its time from looking twice.
CREATE TABLE alarm_watch (
    is_the_one    boolean     PRIMARY KEY DEFAULT true CHECK (is_the_one),
    looked_at     timestamptz NOT NULL,
    -- Hours before this one are in `alarm_hours`.
    counted_until timestamptz
);
INSERT INTO alarm_watch (looked_at) VALUES ('-infinity');

CREATE TABLE alarms (
    tenant_id     uuid        NOT NULL,
    alarm_id      uuid        NOT NULL,
    kind          text        NOT NULL
        CHECK (kind IN ('SILENCE', 'UNMAPPED_SHARE', 'OUT_OF_ORDER_SHARE', 'DUPLICATE_SHARE', 'PRIVACY_SHARE')),
    -- The zero UUID: the Event ID in the whole tenant.
    offer_id      uuid        NOT NULL,
    event_id      text        NOT NULL,
    raised_at     timestamptz NOT NULL,
    cleared_at    timestamptz CHECK ((cleared_at IS NULL) = (cleared_because IS NULL)),
    cleared_because text      CHECK (cleared_because IN ('RECOVERED', 'OFFER_STOPPED', 'AGED')),
    -- What led there. Since when it counts: the end of the last hour with a postback, or the start of the window.
    since         timestamptz NOT NULL,
    -- Postbacks that would be usual since then, or that came in the window.
    postbacks     bigint      NOT NULL,
    -- Those of them with the codes of the kind; none came of a silent one.
    matching      bigint      NOT NULL,
    -- The history: its postbacks, and those of them with the codes of the kind.
    usual_postbacks bigint    NOT NULL,
    usual_matching  bigint    NOT NULL,
    PRIMARY KEY (tenant_id, alarm_id)
);
-- Each is raised once, however many look.
CREATE UNIQUE INDEX alarms_open ON alarms (tenant_id, offer_id, event_id, kind) WHERE cleared_at IS NULL;
CREATE INDEX alarms_latest ON alarms (tenant_id, raised_at);
CREATE INDEX alarms_old ON alarms (cleared_at) WHERE cleared_at IS NOT NULL;
