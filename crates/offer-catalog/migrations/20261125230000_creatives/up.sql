-- Uploaded pictures. The files themselves lie in the object store, under names that say what they hold; a row is written
-- after its files, so whatever a row names is there.
CREATE TABLE creatives (
    tenant_id        uuid        NOT NULL REFERENCES tenants,
    creative_id      uuid        NOT NULL,
    name             text        CHECK (length(name) BETWEEN 1 AND 200),
    file             text        NOT NULL,
    width            integer     NOT NULL CHECK (width > 0),
    height           integer     NOT NULL CHECK (height > 0),
    bytes            bigint      NOT NULL CHECK (bytes > 0),
    thumbnail_file   text        NOT NULL,
    thumbnail_width  integer     NOT NULL CHECK (thumbnail_width > 0),
    thumbnail_height integer     NOT NULL CHECK (thumbnail_height > 0),
    thumbnail_bytes  bigint      NOT NULL CHECK (thumbnail_bytes > 0),
    created_at       timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, creative_id),
    -- The same picture again is the same creative.
    UNIQUE (tenant_id, file)
);

CREATE INDEX creatives_newest_first ON creatives (tenant_id, created_at DESC, creative_id);

CREATE TRIGGER creatives_are_immutable BEFORE UPDATE OR DELETE ON creatives
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
