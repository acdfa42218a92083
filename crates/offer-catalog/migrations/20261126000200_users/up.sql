-- Who works for a tenant. Nobody has a password: a user signs in with an API token of theirs.
CREATE TABLE users (
    tenant_id    uuid        NOT NULL REFERENCES tenants,
    user_id      uuid        NOT NULL,
    name         text        NOT NULL,
    email        text,
    role         text        NOT NULL CHECK (role IN ('owner', 'manager', 'analyst', 'publisher')),
    publisher_id uuid        CHECK ((publisher_id IS NOT NULL) = (role = 'publisher')),
    active       boolean     NOT NULL,
    revision     bigint      NOT NULL CHECK (revision > 0),
    created_at   timestamptz NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, publisher_id) REFERENCES publishers (tenant_id, publisher_id)
);

-- A token is a user's, whose role it then has, or stands alone.
ALTER TABLE issued_tokens ADD COLUMN user_id uuid;
ALTER TABLE issued_tokens ADD FOREIGN KEY (tenant_id, user_id) REFERENCES users (tenant_id, user_id);
-- What it is for, within the rights of its role; absent: everything.
ALTER TABLE issued_tokens ADD COLUMN scopes text[];
-- To the minute, as far as calls of this service go.
ALTER TABLE issued_tokens ADD COLUMN last_used_at timestamptz;
-- Since when it is refused because its publisher is inactive.
ALTER TABLE issued_tokens ADD COLUMN suspended_at timestamptz;

CREATE INDEX issued_tokens_user ON issued_tokens (tenant_id, user_id) WHERE user_id IS NOT NULL;

-- Every tenant was made with an owner's token: its holder is the tenant's first user, under the id of that token. All other
-- tokens stand alone as before.
INSERT INTO users (tenant_id, user_id, name, role, active, revision, created_at)
SELECT DISTINCT ON (tenant_id) tenant_id, token_id, label, role, true, 1, created_at
FROM issued_tokens WHERE role = 'owner' AND revoked_at IS NULL ORDER BY tenant_id, created_at, token_id;

UPDATE issued_tokens SET user_id = users.user_id FROM users
WHERE users.tenant_id = issued_tokens.tenant_id AND users.user_id = issued_tokens.token_id;
