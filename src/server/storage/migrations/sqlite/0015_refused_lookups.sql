-- Key lookups that were refused, with the reason that hosts are not told; kept for 30 days and bounded per host and tenant
-- (`storage/refused_lookups.rs`). One row per key, account, host and reason. Written in the background, at most once a minute per row.
CREATE TABLE refused_lookups (
    number        INTEGER NOT NULL PRIMARY KEY,
    tenant_id     TEXT    NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    host          TEXT    NOT NULL,    -- by its stored name
    account       TEXT    NOT NULL,
    fingerprint   TEXT    NOT NULL,
    reason        TEXT    NOT NULL,
    key_known     INTEGER NOT NULL CHECK (key_known IN (0, 1)),    -- 0: anybody can cause it, with any key
    user_id       TEXT,                -- the key's owner, or the only person to whom the account is linked
    client_id     TEXT,
    from_address  TEXT,
    first_at      INTEGER NOT NULL,
    last_at       INTEGER NOT NULL,
    times         INTEGER NOT NULL CHECK (times > 0)
) STRICT;
CREATE UNIQUE INDEX refused_lookups_by_login ON refused_lookups (tenant_id, host, account, fingerprint, reason, coalesce(user_id, ''));
CREATE INDEX refused_lookups_by_host ON refused_lookups (tenant_id, host, key_known, last_at);
CREATE INDEX refused_lookups_by_tenant ON refused_lookups (tenant_id, key_known, last_at);
CREATE INDEX refused_lookups_of_person ON refused_lookups (tenant_id, user_id, last_at);
CREATE INDEX refused_lookups_by_age ON refused_lookups (last_at);

INSERT INTO numbers (name, last) VALUES ('refused_lookups', 0);
