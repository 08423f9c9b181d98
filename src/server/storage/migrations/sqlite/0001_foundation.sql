-- Times are whole milliseconds since 1970, UTC. Every table but `tenants` starts its key with the tenant; the two that
-- cannot (`attempts` and `browser_sessions`, both older than anybody's sign-in) say so.

CREATE TABLE tenants (
    id                    TEXT    NOT NULL PRIMARY KEY,
    display_name          TEXT    NOT NULL,
    enabled               INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    local_passwords       INTEGER NOT NULL CHECK (local_passwords IN (0, 1)),
    prefill_user_code     INTEGER NOT NULL CHECK (prefill_user_code IN (0, 1)),
    require_started_tick  INTEGER NOT NULL CHECK (require_started_tick IN (0, 1)),
    code_lifetime_ms      INTEGER NOT NULL CHECK (code_lifetime_ms > 0),
    longest_access_ms     INTEGER NOT NULL CHECK (longest_access_ms > 0),
    created_at            INTEGER NOT NULL
) STRICT;

CREATE TABLE tenant_admins (
    tenant_id    TEXT    NOT NULL REFERENCES tenants (id),
    admin_id     TEXT    NOT NULL,
    secret_hash  BLOB    NOT NULL,
    created_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, admin_id)
) STRICT;

CREATE TABLE clients (
    tenant_id     TEXT    NOT NULL REFERENCES tenants (id),
    client_id     TEXT    NOT NULL,
    app_name      TEXT    NOT NULL,
    app_version   TEXT    NOT NULL,
    secret_hash   BLOB,                -- NULL: a public client
    enabled       INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    device_grant  INTEGER NOT NULL CHECK (device_grant IN (0, 1)),
    scope         TEXT    NOT NULL,
    verified      INTEGER NOT NULL CHECK (verified IN (0, 1)),
    created_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, client_id),
    UNIQUE (tenant_id, app_name, app_version)
) STRICT;

CREATE TABLE people (
    tenant_id      TEXT    NOT NULL REFERENCES tenants (id),
    user_id        TEXT    NOT NULL,
    display_name   TEXT    NOT NULL,
    enabled        INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    password_hash  TEXT,               -- PHC string; NULL: signs in elsewhere
    created_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id)
) STRICT;

CREATE TABLE user_mfa (
    tenant_id   TEXT    NOT NULL,
    user_id     TEXT    NOT NULL,
    enabled     INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id)
) STRICT;

CREATE TABLE hosts (
    tenant_id   TEXT    NOT NULL REFERENCES tenants (id),
    host        TEXT    NOT NULL,
    address     TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, host, address)
) STRICT;

CREATE TABLE host_accounts (
    tenant_id   TEXT    NOT NULL,
    id          TEXT    NOT NULL,
    user_id     TEXT    NOT NULL,
    host        TEXT    NOT NULL,
    account     TEXT    NOT NULL,
    linked_at   INTEGER NOT NULL,
    expires_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, user_id, host, account),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id)
) STRICT;

-- One run of RFC 8628. Both codes are stored as HMACs under a key that is not in this file.
--
--   [ pending ]    nothing decided; claimed_* say which browser session typed the code
--   [ approved ]   decided_at, person, granted_scope, access_until are set
--   [ redeemed ]   as approved, and redeemed_at, token_id
--   [ denied ]     decided_at is set; reported = 1: "I did not start this"
--   [ withdrawn ]  taken back; decided_at is set
--   [ lapsed ]     approved, and nobody came for the token; decided_at is set
CREATE TABLE device_grants (
    tenant_id          TEXT    NOT NULL,
    id                 TEXT    NOT NULL,
    client_id          TEXT    NOT NULL,
    device_code_hash   BLOB    NOT NULL UNIQUE,
    user_code_hash     BLOB    NOT NULL UNIQUE,
    scope              TEXT    NOT NULL,
    requested_at       INTEGER NOT NULL,
    requested_from     TEXT,
    requested_agent    TEXT    NOT NULL,
    expires_at         INTEGER NOT NULL,
    claimed_session    BLOB,
    claimed_person     TEXT,
    state              TEXT    NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'redeemed', 'withdrawn', 'lapsed')),
    decided_at         INTEGER,
    person             TEXT,
    granted_scope      TEXT,
    access_until       INTEGER,
    reported           INTEGER NOT NULL DEFAULT 0 CHECK (reported IN (0, 1)),
    redeemed_at        INTEGER,
    redeemed_from      TEXT,
    token_id           TEXT,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id),
    CHECK (state = 'pending' OR decided_at IS NOT NULL),
    CHECK (state NOT IN ('approved', 'redeemed') OR (person IS NOT NULL AND granted_scope IS NOT NULL AND access_until IS NOT NULL)),
    CHECK (state <> 'redeemed' OR (redeemed_at IS NOT NULL AND token_id IS NOT NULL))
) STRICT;
CREATE INDEX device_grants_by_expiry ON device_grants (expires_at);
CREATE UNIQUE INDEX device_grants_by_token ON device_grants (tenant_id, token_id) WHERE token_id IS NOT NULL;
CREATE INDEX device_grants_by_person ON device_grants (tenant_id, person) WHERE person IS NOT NULL;
CREATE INDEX device_grants_approved ON device_grants (expires_at) WHERE state = 'approved';

-- A person's permission for a client. One row per consent: withdrawing one takes back that one only.
CREATE TABLE delegations (
    tenant_id           TEXT    NOT NULL,
    id                  TEXT    NOT NULL,
    client_id           TEXT    NOT NULL,
    user_id             TEXT    NOT NULL,
    device_grant_id     TEXT,                -- NULL: set up by the tenant's admin
    scope               TEXT    NOT NULL,
    every_host_account  INTEGER NOT NULL CHECK (every_host_account IN (0, 1)),
    created_at          INTEGER NOT NULL,
    expires_at          INTEGER NOT NULL,
    ended_at            INTEGER,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id),
    FOREIGN KEY (tenant_id, device_grant_id) REFERENCES device_grants (tenant_id, id)
) STRICT;
CREATE UNIQUE INDEX delegations_by_consent ON delegations (tenant_id, client_id, user_id, coalesce(device_grant_id, ''));
CREATE INDEX delegations_by_grant ON delegations (tenant_id, device_grant_id);

CREATE TABLE delegation_host_accounts (
    tenant_id        TEXT NOT NULL,
    delegation_id    TEXT NOT NULL,
    host_account_id  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, delegation_id, host_account_id),
    FOREIGN KEY (tenant_id, delegation_id) REFERENCES delegations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, host_account_id) REFERENCES host_accounts (tenant_id, id) ON DELETE CASCADE
) STRICT;

CREATE TABLE activity (
    tenant_id        TEXT    NOT NULL REFERENCES tenants (id),
    id               INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    at               INTEGER NOT NULL,
    kind             TEXT    NOT NULL,
    user_id          TEXT,
    client_id        TEXT,
    device_grant_id  TEXT,
    from_address     TEXT
) STRICT;
CREATE INDEX activity_by_person ON activity (tenant_id, user_id, at);

-- A browser's session. The cookie's value is stored as a hash; the data are sealed under that value, so this file opens none.
-- Not keyed by tenant: it exists before anybody signs in.
CREATE TABLE browser_sessions (
    id_hash       BLOB    NOT NULL PRIMARY KEY,
    public_id     TEXT    NOT NULL,
    sealed        BLOB    NOT NULL,
    tenant_id     TEXT,
    user_id       TEXT,
    signed_in_at  INTEGER,
    last_seen_at  INTEGER NOT NULL,
    from_address  TEXT,
    agent         TEXT    NOT NULL,
    expires_at    INTEGER NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id)
) STRICT;
CREATE INDEX browser_sessions_by_person ON browser_sessions (tenant_id, user_id);
CREATE INDEX browser_sessions_by_expiry ON browser_sessions (expires_at);

-- Wrong guesses at codes and passwords. Not keyed by tenant: a guess may come before anybody knows whose it is.
CREATE TABLE attempts (
    key  TEXT    NOT NULL,
    at   INTEGER NOT NULL
) STRICT;
CREATE INDEX attempts_by_key ON attempts (key, at);
CREATE INDEX attempts_by_time ON attempts (at);
