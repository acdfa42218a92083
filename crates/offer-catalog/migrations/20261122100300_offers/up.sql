-- An offer: what applies at once, and the draft until version 1 exists. The columns beside the documents are what lists
-- filter and sort by.
CREATE TABLE offers (
    tenant_id      uuid        NOT NULL REFERENCES tenants,
    offer_id       uuid        NOT NULL,
    status         text        NOT NULL CHECK (status IN ('Draft', 'Ready', 'Paused', 'Ended')),
    newest_version integer     NOT NULL CHECK ((newest_version = 0) = (status = 'Draft')),
    -- What was entered last: the draft, or a copy of the newest version's fields.
    fields         jsonb       NOT NULL,
    name           text,
    advertiser_id  uuid,
    event_stops    jsonb       NOT NULL DEFAULT '[]',
    cloned_from    uuid,
    revision       bigint      NOT NULL CHECK (revision > 0),
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, offer_id),
    FOREIGN KEY (tenant_id, advertiser_id) REFERENCES advertisers (tenant_id, advertiser_id),
    FOREIGN KEY (tenant_id, cloned_from) REFERENCES offers (tenant_id, offer_id)
);

CREATE INDEX offers_newest_first ON offers (tenant_id, created_at DESC, offer_id);

-- Versions are immutable; the role that serves may only add them (see the trigger, which holds the owner to it as well).
CREATE TABLE offer_versions (
    tenant_id  uuid        NOT NULL,
    offer_id   uuid        NOT NULL,
    version    integer     NOT NULL CHECK (version > 0),
    fields     jsonb       NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, offer_id, version),
    FOREIGN KEY (tenant_id, offer_id) REFERENCES offers (tenant_id, offer_id)
);

-- Every event that was ever in a version, by its lasting id: where it was introduced and its terms there.
CREATE TABLE offer_events (
    tenant_id      uuid    NOT NULL,
    offer_id       uuid    NOT NULL,
    offer_event_id uuid    NOT NULL,
    introduced_in  integer NOT NULL,
    terms          jsonb   NOT NULL,
    PRIMARY KEY (tenant_id, offer_id, offer_event_id),
    FOREIGN KEY (tenant_id, offer_id, introduced_in) REFERENCES offer_versions (tenant_id, offer_id, version)
);

-- Every Event ID a version ever used. The key is the rule: a name once used never means another event of that offer.
CREATE TABLE offer_event_names (
    tenant_id      uuid NOT NULL,
    offer_id       uuid NOT NULL,
    event_id       text NOT NULL,
    offer_event_id uuid NOT NULL,
    PRIMARY KEY (tenant_id, offer_id, event_id),
    FOREIGN KEY (tenant_id, offer_id, offer_event_id) REFERENCES offer_events (tenant_id, offer_id, offer_event_id)
);

-- A shared offer belongs to one publisher for ever: the key allows one share, the trigger no change of it.
CREATE TABLE offer_shares (
    tenant_id    uuid        NOT NULL,
    offer_id     uuid        NOT NULL,
    publisher_id uuid        NOT NULL,
    link_id      uuid        NOT NULL,
    shared_at    timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, offer_id),
    UNIQUE (tenant_id, link_id),
    FOREIGN KEY (tenant_id, offer_id) REFERENCES offers (tenant_id, offer_id),
    FOREIGN KEY (tenant_id, publisher_id) REFERENCES publishers (tenant_id, publisher_id)
);

CREATE INDEX offer_shares_publisher ON offer_shares (tenant_id, publisher_id);

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % never change', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER offer_versions_are_immutable BEFORE UPDATE OR DELETE ON offer_versions
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER offer_events_are_immutable BEFORE UPDATE OR DELETE ON offer_events
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER offer_event_names_are_immutable BEFORE UPDATE OR DELETE ON offer_event_names
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER offer_shares_are_immutable BEFORE UPDATE OR DELETE ON offer_shares
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
