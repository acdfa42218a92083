-- The categories that a tenant has agreed on: clients offer them for choice. An offer may name others.
CREATE TABLE categories (
    tenant_id uuid        NOT NULL REFERENCES tenants,
    name      text        NOT NULL CHECK (length(name) BETWEEN 1 AND 100),
    added_at  timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- Compared without case.
CREATE UNIQUE INDEX categories_name ON categories (tenant_id, lower(name));
