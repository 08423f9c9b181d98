-- What the portal's pages need: administrators among the people, names for keys, when things were used last, and a look.

-- The role of an administrator: may run the tenant in the portal.
ALTER TABLE people ADD COLUMN admin INTEGER NOT NULL DEFAULT 0 CHECK (admin IN (0, 1));

-- How long a person's second factor counts when an administrator opens its window without saying until when.
ALTER TABLE tenants ADD COLUMN mfa_lifetime_ms INTEGER NOT NULL DEFAULT 604800000 CHECK (mfa_lifetime_ms > 0);
-- People may register public keys of their own.
ALTER TABLE tenants ADD COLUMN own_keys INTEGER NOT NULL DEFAULT 1 CHECK (own_keys IN (0, 1));
-- The tenant's colour on light and on dark ground, `#rrggbb`; NULL: the portal's own.
ALTER TABLE tenants ADD COLUMN brand_light TEXT;
ALTER TABLE tenants ADD COLUMN brand_dark TEXT;

-- What the person calls the key; the comment of one they brought themselves.
ALTER TABLE pubkeys ADD COLUMN label TEXT NOT NULL DEFAULT '';
CREATE INDEX pubkeys_of_person ON pubkeys (tenant_id, user_id, number);

-- When its token was used last; not more exact than a minute.
ALTER TABLE device_grants ADD COLUMN last_used_at INTEGER;

-- When a host last asked for a key; not more exact than a minute. With or without such a host on record.
CREATE TABLE host_questions (
    tenant_id  TEXT    NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    host       TEXT    NOT NULL,
    asked_at   INTEGER NOT NULL,
    from_address  TEXT,
    PRIMARY KEY (tenant_id, host)
) STRICT;

CREATE INDEX activity_by_tenant ON activity (tenant_id, id);
CREATE INDEX activity_of_person ON activity (tenant_id, user_id, id);
DROP INDEX activity_by_person;
