-- When the person behind the click was forgotten; what still comes of it loses its personal fields on arrival.
ALTER TABLE journeys ADD COLUMN erased_at timestamptz;

-- Orders to forget a person, and how far each has come. They stay: who ordered what when is to be shown.
CREATE TABLE erasures (
    tenant_id    uuid        NOT NULL,
    erasure_id   uuid        NOT NULL,
    kind         text        NOT NULL CHECK (kind IN ('click', 'member', 'device')),
    -- Whom to look for; gone when the order is done.
    subject      text        CHECK ((subject IS NULL) = (done_at IS NOT NULL)),
    -- Of a member: whose.
    publisher_id uuid        CHECK ((publisher_id IS NOT NULL) = (kind = 'member')),
    -- Keyed: tells that two orders meant the same, not whom.
    subject_hash text        NOT NULL,
    ordered_by   uuid        NOT NULL,
    ordered_at   timestamptz NOT NULL DEFAULT now(),
    done_at      timestamptz,
    -- The last row looked at.
    after_time   timestamptz,
    after_id     uuid,
    clicks       bigint      NOT NULL DEFAULT 0,
    postbacks    bigint      NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, erasure_id)
);

-- The worker asks for what is not done, whoever's it is.
CREATE INDEX erasures_open ON erasures (ordered_at) WHERE done_at IS NULL;
