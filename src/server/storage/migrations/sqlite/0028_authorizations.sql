-- What a person allowed a client once, until a date. Delegations, token families and the keys made with their tokens depend on it. One that
-- was given on a device grant has the id of that grant. Delegations, keys and audit events refer to it in their column `device_grant_id`.
--
--   [ live ]   ended_at is NULL; whether access_until has passed is not a state
--   [ ended ]  ended_at and end_reason are set
CREATE TABLE authorizations (
    tenant_id       TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    client_id       TEXT    NOT NULL,
    user_id         TEXT    NOT NULL,
    origin          TEXT    NOT NULL CHECK (origin IN ('device', 'code')),
    scope           TEXT    NOT NULL,
    resources       TEXT    NOT NULL DEFAULT '',    -- access to other resource servers (0033_resource_servers.sql)
    given_at        INTEGER NOT NULL,
    -- Of the program's request: with the device flow, the device's.
    given_from      TEXT,
    given_agent     TEXT    NOT NULL,
    access_until    INTEGER NOT NULL,
    -- When and from where one of its access tokens was used last; not more exact than a minute.
    last_used_at    INTEGER,
    last_used_from  TEXT,
    ended_at        INTEGER,
    end_reason      TEXT,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT;
CREATE INDEX authorizations_by_person ON authorizations (tenant_id, user_id, client_id);
CREATE INDEX authorizations_by_client ON authorizations (tenant_id, client_id);
-- The cleanup reads from this index which ones have ended.
CREATE INDEX authorizations_by_end ON authorizations (access_until, tenant_id, id);

-- One sign-in of one program under an authorization, and all tokens that it gets. Refresh tokens are computed from key, id, generation and
-- salt; none is stored.
CREATE TABLE token_families (
    tenant_id         TEXT    NOT NULL,
    id                TEXT    NOT NULL,
    authorization_id  TEXT    NOT NULL,
    client_id         TEXT    NOT NULL,
    scope             TEXT    NOT NULL,
    resources         TEXT    NOT NULL DEFAULT '',
    salt              BLOB    NOT NULL CHECK (length(salt) = 32),
    generation        INTEGER NOT NULL DEFAULT 0 CHECK (generation >= 0),
    rotated_at        INTEGER NOT NULL,
    -- Whether the current refresh token, or an access token issued with it, was presented.
    successor_seen    INTEGER NOT NULL DEFAULT 0 CHECK (successor_seen IN (0, 1)),
    -- How often the response to the last refresh was repeated.
    retries           INTEGER NOT NULL DEFAULT 0 CHECK (retries >= 0),
    -- Whether it outlives the browser session that it began in; that session, otherwise.
    offline           INTEGER NOT NULL CHECK (offline IN (0, 1)),
    session_id        TEXT,
    begun_at          INTEGER NOT NULL,
    begun_from        TEXT,
    begun_agent       TEXT    NOT NULL,
    refreshed_at      INTEGER,
    refreshed_from    TEXT,
    idle_until        INTEGER,             -- NULL: it has no refresh token
    ended_at          INTEGER,
    end_reason        TEXT,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, authorization_id) REFERENCES authorizations (tenant_id, id) ON DELETE CASCADE,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
) STRICT;
CREATE INDEX token_families_by_authorization ON token_families (tenant_id, authorization_id);
CREATE INDEX token_families_by_session ON token_families (tenant_id, session_id) WHERE session_id IS NOT NULL AND ended_at IS NULL;
CREATE INDEX token_families_by_end ON token_families (ended_at) WHERE ended_at IS NOT NULL;

-- Every approved device grant becomes an authorization, also one that has ended.
INSERT INTO authorizations (tenant_id, id, client_id, user_id, origin, scope, given_at, given_from, given_agent, access_until, last_used_at,
                            last_used_from, ended_at, end_reason)
    SELECT g.tenant_id, g.id, g.client_id, p.user_id, 'device', coalesce(g.granted_scope, d.scope, ''),
           coalesce(d.created_at, CASE WHEN g.state IN ('approved', 'redeemed') THEN g.decided_at END, g.requested_at), g.requested_from,
           g.requested_agent, coalesce(min(g.access_until, d.expires_at), g.access_until, d.expires_at, g.expires_at), g.last_used_at, g.last_used_from,
           CASE WHEN g.state NOT IN ('approved', 'redeemed') THEN g.decided_at END,
           CASE g.state WHEN 'approved' THEN NULL WHEN 'redeemed' THEN NULL WHEN 'lapsed' THEN 'unredeemed' ELSE 'unrecorded' END
    FROM device_grants g
    LEFT JOIN delegations d ON d.tenant_id = g.tenant_id AND d.device_grant_id = g.id
    JOIN people p ON p.tenant_id = g.tenant_id AND p.user_id = coalesce(d.user_id, g.person)
    WHERE g.state IN ('approved', 'redeemed', 'withdrawn', 'lapsed');

-- Every redeemed one has a family, whose id is the `jti` of the token that was issued.
INSERT INTO token_families (tenant_id, id, authorization_id, client_id, scope, salt, rotated_at, offline, begun_at, begun_from, begun_agent, ended_at,
                            end_reason)
    SELECT a.tenant_id, g.token_id, a.id, a.client_id, a.scope, randomblob(32), coalesce(g.redeemed_at, a.given_at), 1,
           coalesce(g.redeemed_at, a.given_at), g.redeemed_from, g.requested_agent, a.ended_at,
           CASE WHEN a.ended_at IS NOT NULL THEN 'authorization' END
    FROM authorizations a JOIN device_grants g ON g.tenant_id = a.tenant_id AND g.id = a.id
    WHERE g.token_id IS NOT NULL;

-- A delegation ends with its authorization.
UPDATE delegations SET ended_at = a.ended_at
    FROM authorizations a
    WHERE a.tenant_id = delegations.tenant_id AND a.id = delegations.device_grant_id AND a.ended_at IS NOT NULL AND delegations.ended_at IS NULL;

-- Delegations and keys refer to authorizations: the two tables are made anew, with those that refer to them.
CREATE TABLE new_delegations (
    tenant_id           TEXT    NOT NULL,
    id                  TEXT    NOT NULL,
    client_id           TEXT    NOT NULL,
    user_id             TEXT    NOT NULL,
    device_grant_id     TEXT,                -- the authorization; NULL: set up by the tenant's admin
    scope               TEXT    NOT NULL,
    every_host_account  INTEGER NOT NULL CHECK (every_host_account IN (0, 1)),
    created_at          INTEGER NOT NULL,
    expires_at          INTEGER NOT NULL,
    ended_at            INTEGER,
    number              INTEGER NOT NULL DEFAULT 0,
    updated_at          INTEGER NOT NULL DEFAULT 0,
    made_by             TEXT    NOT NULL DEFAULT 'person' CHECK (made_by IN ('admin', 'mvp', 'person')),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id),
    FOREIGN KEY (tenant_id, device_grant_id) REFERENCES authorizations (tenant_id, id)
) STRICT;
INSERT INTO new_delegations (tenant_id, id, client_id, user_id, device_grant_id, scope, every_host_account, created_at, expires_at, ended_at, number,
                             updated_at, made_by)
    SELECT tenant_id, id, client_id, user_id, device_grant_id, scope, every_host_account, created_at, expires_at, ended_at, number, updated_at, made_by
    FROM delegations;

CREATE TABLE new_delegation_host_accounts (
    tenant_id        TEXT NOT NULL,
    delegation_id    TEXT NOT NULL,
    host_account_id  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, delegation_id, host_account_id),
    FOREIGN KEY (tenant_id, delegation_id) REFERENCES new_delegations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, host_account_id) REFERENCES host_accounts (tenant_id, id) ON DELETE CASCADE
) STRICT;
INSERT INTO new_delegation_host_accounts (tenant_id, delegation_id, host_account_id)
    SELECT tenant_id, delegation_id, host_account_id FROM delegation_host_accounts;

CREATE TABLE new_pubkeys (
    number               INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    tenant_id            TEXT    NOT NULL REFERENCES tenants (id),
    client_id            TEXT,                -- NULL: the person's own, made by no client
    user_id              TEXT    NOT NULL,
    host                 TEXT    NOT NULL COLLATE NOCASE,
    account              TEXT    NOT NULL,
    device_grant_id      TEXT,                -- the authorization with whose token it was made, and with which it ends
    fingerprint          TEXT    NOT NULL,
    public_key           TEXT    NOT NULL,
    key_type             TEXT    NOT NULL,
    key_bits             INTEGER NOT NULL,
    max_uses             INTEGER NOT NULL CHECK (max_uses >= 0),
    uses                 INTEGER NOT NULL DEFAULT 0 CHECK (uses >= 0),
    remaining_uses       INTEGER NOT NULL GENERATED ALWAYS AS (max(max_uses - uses, 0)) VIRTUAL,
    initial_ttl_minutes  INTEGER NOT NULL CHECK (initial_ttl_minutes >= 0),
    expires_at           INTEGER NOT NULL,
    last_used_at         INTEGER,             -- when the last login that was counted began
    created_at           INTEGER NOT NULL,
    updated_at           INTEGER NOT NULL,
    label                TEXT    NOT NULL DEFAULT '',
    label_folded         TEXT,
    limited_until        INTEGER,             -- the expiry that was set after it was created; NULL: none was
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id, host, account) REFERENCES host_accounts (tenant_id, user_id, host, account) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, device_grant_id) REFERENCES authorizations (tenant_id, id) ON DELETE CASCADE
) STRICT;
-- No number is given twice, also not one whose key has gone.
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_pubkeys', seq FROM sqlite_sequence WHERE name = 'pubkeys';
INSERT INTO new_pubkeys (number, tenant_id, client_id, user_id, host, account, device_grant_id, fingerprint, public_key, key_type, key_bits, max_uses,
                         uses, initial_ttl_minutes, expires_at, last_used_at, created_at, updated_at, label, label_folded)
    SELECT number, tenant_id, client_id, user_id, host, account, device_grant_id, fingerprint, public_key, key_type, key_bits, max_uses, uses,
           initial_ttl_minutes, expires_at, last_used_at, created_at, updated_at, label, label_folded
    FROM pubkeys;

CREATE TABLE new_reservations (
    tenant_id     TEXT    NOT NULL,
    resid         TEXT    NOT NULL,
    number        INTEGER NOT NULL UNIQUE,
    parent_resid  TEXT    NOT NULL,
    client_id     TEXT    NOT NULL,
    pubkey        INTEGER NOT NULL REFERENCES new_pubkeys (number) ON DELETE CASCADE,
    expires_at    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, resid),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE
) STRICT;
INSERT INTO new_reservations (tenant_id, resid, number, parent_resid, client_id, pubkey, expires_at, created_at, updated_at)
    SELECT tenant_id, resid, number, parent_resid, client_id, pubkey, expires_at, created_at, updated_at FROM reservations;

-- Those that refer to others first: removing a table removes what refers to its rows.
DROP TABLE reservations;
DROP TABLE pubkeys;
DROP TABLE delegation_host_accounts;
DROP TABLE delegations;
ALTER TABLE new_delegations RENAME TO delegations;
ALTER TABLE new_delegation_host_accounts RENAME TO delegation_host_accounts;
ALTER TABLE new_pubkeys RENAME TO pubkeys;
ALTER TABLE new_reservations RENAME TO reservations;

CREATE UNIQUE INDEX delegations_by_consent ON delegations (tenant_id, client_id, user_id, coalesce(device_grant_id, ''));
CREATE INDEX delegations_by_grant ON delegations (tenant_id, device_grant_id);
CREATE UNIQUE INDEX delegations_by_number ON delegations (tenant_id, number);
-- A person's delegations by application.
CREATE INDEX delegations_by_person ON delegations (tenant_id, user_id, client_id, number);
-- A public key is no secret: registering it first takes it from no other party. Each party (person, client, authorization) has a registration
-- of its own, with its own end and uses.
CREATE UNIQUE INDEX pubkeys_by_registration
    ON pubkeys (fingerprint, host, tenant_id, account, user_id, coalesce(client_id, ''), coalesce(device_grant_id, ''));
CREATE INDEX pubkeys_by_person ON pubkeys (tenant_id, user_id, host, account);
CREATE INDEX pubkeys_by_tenant ON pubkeys (tenant_id);
CREATE INDEX pubkeys_by_client ON pubkeys (tenant_id, client_id);
CREATE INDEX pubkeys_by_grant ON pubkeys (tenant_id, device_grant_id) WHERE device_grant_id IS NOT NULL;
CREATE INDEX pubkeys_of_person ON pubkeys (tenant_id, user_id, number);
CREATE INDEX pubkeys_that_end ON pubkeys (expires_at) WHERE expires_at < 253402300799000;
-- A person's pages state figures about their keys, by client, host and device, and the keys used last: all of it is read from this index.
CREATE INDEX pubkeys_of_person_by_use
    ON pubkeys (tenant_id, user_id, client_id, last_used_at, number, created_at, expires_at, max_uses, uses, device_grant_id, host);
CREATE INDEX reservations_by_pubkey ON reservations (pubkey, expires_at);
CREATE INDEX reservations_by_expiry ON reservations (expires_at);
CREATE INDEX reservations_by_parent ON reservations (tenant_id, parent_resid);
