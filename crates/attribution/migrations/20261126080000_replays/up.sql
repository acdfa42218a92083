-- The versions under whose terms a journey was replayed for real, the latest last. An input of its verdict, so it lives as
-- long as the journey; and in its row, so that whoever holds the row sees the last word.
ALTER TABLE journeys ADD COLUMN replayed integer[];

-- Orders to judge stored journeys under chosen terms. Removed some weeks after they were given: see `flows/replay`.
CREATE TABLE replays (
    tenant_id      uuid        NOT NULL,
    replay_id      uuid        NOT NULL,
    token_id       uuid        NOT NULL,
    ordered_at     timestamptz NOT NULL DEFAULT now(),
    dry_run        boolean     NOT NULL,
    terms          text        NOT NULL CHECK (terms IN ('recorded', 'newest', 'version', 'draft')),
    -- The version; of `newest` null when the journeys are of several offers.
    version        integer     CHECK (version > 0),
    -- The draft, as the fact that would be said of it if it were saved.
    draft          bytea,
    -- Which journeys: those with a postback of an offer and a period,
    offer_id       uuid,
    publisher_id   uuid,
    event_id       text,
    code           text,
    received_from  timestamptz,
    received_until timestamptz,
    -- or these.
    clicks         uuid[],
    -- How far the selection is: the last postback that was looked at; then when it was complete.
    seen_at        timestamptz,
    seen_receipt   uuid,
    selected_at    timestamptz,
    selected       bigint      NOT NULL DEFAULT 0,
    -- How far the judging is: the last click, journeys done, those of them that could not be read.
    after          uuid,
    judged         bigint      NOT NULL DEFAULT 0,
    passed_over    bigint      NOT NULL DEFAULT 0,
    -- The last step: replays take turns.
    stepped_at     timestamptz NOT NULL DEFAULT now(),
    finished_at    timestamptz,
    -- Why it will never be finished.
    failure        text,
    PRIMARY KEY (tenant_id, replay_id),
    CHECK ((terms = 'draft') = (draft IS NOT NULL)),
    CHECK (draft IS NULL OR dry_run),
    CHECK ((clicks IS NULL) = (received_from IS NOT NULL AND received_until IS NOT NULL AND offer_id IS NOT NULL))
);
-- What is to be worked on, whoever's it is.
CREATE INDEX replays_open ON replays (stepped_at) WHERE finished_at IS NULL AND failure IS NULL;

CREATE TABLE replay_journeys (
    tenant_id uuid NOT NULL,
    replay_id uuid NOT NULL,
    click_id  uuid NOT NULL,
    PRIMARY KEY (tenant_id, replay_id, click_id)
);

-- What differs: a postback's decision, or a conversion. What is not there is null.
CREATE TABLE replay_differences (
    tenant_id       uuid    NOT NULL,
    replay_id       uuid    NOT NULL,
    click_id        uuid    NOT NULL,
    -- Within the click, from 1: postbacks first.
    place           integer NOT NULL,
    publisher_id    uuid,
    receipt         uuid    NOT NULL,
    -- Null: the line is about the postback.
    conversion_id   uuid,
    event_id        text    NOT NULL,
    -- Codes: now, under the chosen terms alone, once replayed for real.
    code_before     text,
    code_under      text,
    code_after      text,
    effect          text,
    currency_before text,
    revenue_before  bigint,
    payout_before   bigint,
    currency_under  text,
    revenue_under   bigint,
    payout_under    bigint,
    PRIMARY KEY (tenant_id, replay_id, click_id, place)
);

-- The same summed up, kept with it, so that asking costs nothing: decisions from code to code, conversions by effect.
CREATE TABLE replay_counts (
    tenant_id uuid   NOT NULL,
    replay_id uuid   NOT NULL,
    kind      text   NOT NULL CHECK (kind IN ('decision', 'effect')),
    code_from text   NOT NULL,
    code_to   text   NOT NULL,
    lines     bigint NOT NULL,
    PRIMARY KEY (tenant_id, replay_id, kind, code_from, code_to)
);

-- Money of every conversion of the selection that is earned. What can not be priced is counted under the reason.
CREATE TABLE replay_sums (
    tenant_id    uuid    NOT NULL,
    replay_id    uuid    NOT NULL,
    publisher_id uuid    NOT NULL,
    stage        text    NOT NULL CHECK (stage IN ('before', 'under', 'after')),
    -- Empty: there is none.
    currency     text    NOT NULL,
    -- Empty: it is priced.
    unpriced     text    NOT NULL,
    conversions  bigint  NOT NULL,
    -- Micros. Numeric: a step's sums fit a bigint, those of all steps may not.
    revenue      numeric NOT NULL,
    payout       numeric NOT NULL,
    PRIMARY KEY (tenant_id, replay_id, publisher_id, stage, currency, unpriced)
);
