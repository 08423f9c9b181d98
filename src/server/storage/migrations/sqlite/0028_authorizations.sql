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
    -- Whether it outlives the browser session that it began in; that session, unless it began with a device.
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

-- Delegations and keys refer to authorizations. Only what these columns refer to changes, nothing of the rows, so the definitions are edited
-- (https://www.sqlite.org/lang_altertable.html#otheralter): to make the tables anew took 10 seconds with a million keys.
PRAGMA writable_schema = ON;
UPDATE sqlite_schema
    SET sql = replace(sql, 'FOREIGN KEY (tenant_id, device_grant_id) REFERENCES device_grants', 'FOREIGN KEY (tenant_id, device_grant_id) REFERENCES authorizations')
    WHERE type = 'table' AND name IN ('delegations', 'pubkeys');
-- Reads the definitions again, as other connections do after the next statement.
PRAGMA writable_schema = RESET;

-- The expiry that was set after the key was created; NULL: none was.
ALTER TABLE pubkeys ADD COLUMN limited_until INTEGER;
