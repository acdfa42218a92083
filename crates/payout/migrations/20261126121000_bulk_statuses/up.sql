-- Files in which a person asks for the statuses of many conversions. A dry run stores what would be done; nothing is done
-- before somebody hands its token in.
CREATE TABLE bulk_statuses (
    tenant_id  uuid        NOT NULL,
    bulk_id    uuid        NOT NULL,
    -- SHA-256 of what is planned: (conversion, status revision, decision), sorted.
    token      bytea       NOT NULL CHECK (octet_length(token) = 32),
    -- What the dry run counted, as JSON.
    summary    text        NOT NULL,
    -- Whose API token made the dry run.
    created_by uuid        NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    -- Later it is not applied any more.
    expires_at timestamptz NOT NULL,
    -- Whose API token handed the plan's token in, and when.
    applied_by uuid,
    applied_at timestamptz CHECK ((applied_at IS NULL) = (applied_by IS NULL)),
    -- When its last line was worked off.
    finished_at timestamptz CHECK (finished_at IS NULL OR applied_at IS NOT NULL),
    PRIMARY KEY (tenant_id, bulk_id)
);

CREATE INDEX bulk_statuses_by_time ON bulk_statuses (tenant_id, created_at DESC, bulk_id);
-- What replicas look for: only those that are being worked off are in it.
CREATE INDEX bulk_statuses_open ON bulk_statuses (applied_at) WHERE applied_at IS NOT NULL AND finished_at IS NULL;

-- A line of such a file for each conversion that it names; one for a line that names none.
CREATE TABLE bulk_status_lines (
    tenant_id       uuid    NOT NULL,
    bulk_id         uuid    NOT NULL,
    -- The order in which they are worked off: by click, then by line.
    position        integer NOT NULL,
    -- In the file; the header is line 1.
    line            integer NOT NULL,
    gk_click_id     uuid    NOT NULL,
    -- As in the file; empty for every conversion of the click.
    event_id        text    NOT NULL,
    wanted          text    NOT NULL CHECK (wanted IN ('Pending', 'Success', 'Rejected')),
    reason          text    NOT NULL,
    conversion_id   uuid,
    -- As the dry run saw it.
    status_revision bigint,
    decision        text    CHECK (decision IN ('approve', 'reject', 'restore', 'clear_review')),
    outcome         text    NOT NULL CHECK (outcome IN
        ('planned', 'unchanged', 'refused', 'not_found', 'named_twice', 'applied', 'moved', 'failed')),
    -- Why, for people.
    detail          text    NOT NULL,
    PRIMARY KEY (tenant_id, bulk_id, position),
    FOREIGN KEY (tenant_id, bulk_id) REFERENCES bulk_statuses ON DELETE CASCADE,
    CHECK (outcome <> 'planned' OR (conversion_id IS NOT NULL AND status_revision IS NOT NULL AND decision IS NOT NULL))
);

CREATE INDEX bulk_status_lines_planned ON bulk_status_lines (tenant_id, bulk_id, position) WHERE outcome = 'planned';
