-- What a person allowed a client once, until a date. Delegations, token families and the keys made with their tokens depend on it. One that
-- was given on a device grant has the id of that grant. Delegations, keys and audit events refer to it in their column `device_grant_id`.
--
--   [ live ]   ended_at is NULL; whether access_until has passed is not a state
--   [ ended ]  ended_at and end_reason are set
CREATE TABLE authorizations (
    tenant_id       TEXT COLLATE "C" NOT NULL,
    id              TEXT COLLATE "C" NOT NULL,
    client_id       TEXT COLLATE "C" NOT NULL,
    user_id         TEXT COLLATE "C" NOT NULL,
    origin          TEXT COLLATE "C" NOT NULL CHECK (origin IN ('device', 'code')),
    scope           TEXT COLLATE "C" NOT NULL,
    resources       TEXT COLLATE "C" NOT NULL DEFAULT '',    -- access to other resource servers (0033_resource_servers.sql)
    given_at        BIGINT NOT NULL,
    -- Of the program's request: with the device flow, the device's.
    given_from      TEXT COLLATE "C",
    given_agent     TEXT COLLATE "C" NOT NULL,
    access_until    BIGINT NOT NULL,
    -- When and from where one of its access tokens was used last; not more exact than a minute.
    last_used_at    BIGINT,
    last_used_from  TEXT COLLATE "C",
    ended_at        BIGINT,
    end_reason      TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX authorizations_by_person ON authorizations (tenant_id, user_id, client_id);
CREATE INDEX authorizations_by_client ON authorizations (tenant_id, client_id);
-- The cleanup reads from this index which ones have ended.
CREATE INDEX authorizations_by_end ON authorizations (access_until, tenant_id, id);

-- One sign-in of one program under an authorization, and all tokens that it gets. Refresh tokens are computed from key, id, generation and
-- salt; none is stored.
CREATE TABLE token_families (
    tenant_id         TEXT COLLATE "C" NOT NULL,
    id                TEXT COLLATE "C" NOT NULL,
    authorization_id  TEXT COLLATE "C" NOT NULL,
    client_id         TEXT COLLATE "C" NOT NULL,
    scope             TEXT COLLATE "C" NOT NULL,
    resources         TEXT COLLATE "C" NOT NULL DEFAULT '',
    salt              BYTEA   NOT NULL CHECK (length(salt) = 32),
    generation        BIGINT  NOT NULL DEFAULT 0 CHECK (generation >= 0),
    rotated_at        BIGINT  NOT NULL,
    -- Whether the current refresh token, or an access token issued with it, was presented.
    successor_seen    BOOLEAN NOT NULL DEFAULT false,
    -- How often the response to the last refresh was repeated.
    retries           BIGINT  NOT NULL DEFAULT 0 CHECK (retries >= 0),
    -- Whether it outlives the browser session that it began in; that session, unless it began with a device.
    offline           BOOLEAN NOT NULL,
    session_id        TEXT COLLATE "C",
    begun_at          BIGINT  NOT NULL,
    begun_from        TEXT COLLATE "C",
    begun_agent       TEXT COLLATE "C" NOT NULL,
    refreshed_at      BIGINT,
    refreshed_from    TEXT COLLATE "C",
    idle_until        BIGINT,               -- NULL: it has no refresh token
    ended_at          BIGINT,
    end_reason        TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, authorization_id) REFERENCES authorizations (tenant_id, id) ON DELETE CASCADE,
    CHECK ((ended_at IS NULL) = (end_reason IS NULL))
);
CREATE INDEX token_families_by_authorization ON token_families (tenant_id, authorization_id);
CREATE INDEX token_families_by_session ON token_families (tenant_id, session_id) WHERE session_id IS NOT NULL AND ended_at IS NULL;
CREATE INDEX token_families_by_end ON token_families (ended_at) WHERE ended_at IS NOT NULL;

-- Portals of the previous release may run beside this one. They know the device grant only, and store in it what is an authorization's now.
-- These triggers keep both the same; a later migration drops them, with the columns that only older releases use (docs/decisions/0028).

-- What an older release changes. Its changes of state come before the rows that refer to the authorization.
CREATE FUNCTION device_grant_to_authorization() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state IN ('approved', 'redeemed') AND OLD.state NOT IN ('approved', 'redeemed') THEN
        INSERT INTO authorizations (tenant_id, id, client_id, user_id, origin, scope, given_at, given_from, given_agent, access_until)
        VALUES (NEW.tenant_id, NEW.id, NEW.client_id, NEW.person, 'device', NEW.granted_scope, NEW.decided_at, NEW.requested_from,
                NEW.requested_agent, NEW.access_until)
        ON CONFLICT DO NOTHING;
    END IF;
    IF NEW.state = 'redeemed' AND OLD.state = 'approved' THEN
        INSERT INTO token_families (tenant_id, id, authorization_id, client_id, scope, salt, rotated_at, offline, begun_at, begun_from, begun_agent)
        VALUES (NEW.tenant_id, NEW.token_id, NEW.id, NEW.client_id, NEW.granted_scope,
                sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), NEW.redeemed_at, true, NEW.redeemed_at, NEW.redeemed_from,
                NEW.requested_agent)
        ON CONFLICT DO NOTHING;
    END IF;
    IF NEW.state IN ('withdrawn', 'lapsed') AND OLD.state IN ('approved', 'redeemed') THEN
        UPDATE authorizations
        SET ended_at = NEW.decided_at, end_reason = CASE NEW.state WHEN 'lapsed' THEN 'unredeemed' ELSE 'unrecorded' END
        WHERE tenant_id = NEW.tenant_id AND id = NEW.id AND ended_at IS NULL;
        UPDATE token_families SET ended_at = NEW.decided_at, end_reason = 'authorization'
        WHERE tenant_id = NEW.tenant_id AND authorization_id = NEW.id AND ended_at IS NULL;
    END IF;
    IF NEW.access_until IS DISTINCT FROM OLD.access_until THEN
        UPDATE authorizations SET access_until = NEW.access_until
        WHERE tenant_id = NEW.tenant_id AND id = NEW.id AND access_until <> NEW.access_until;
    END IF;
    IF NEW.last_used_at IS DISTINCT FROM OLD.last_used_at THEN
        UPDATE authorizations SET last_used_at = NEW.last_used_at, last_used_from = NEW.last_used_from
        WHERE tenant_id = NEW.tenant_id AND id = NEW.id;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER device_grant_to_authorization AFTER UPDATE ON device_grants
    FOR EACH ROW EXECUTE FUNCTION device_grant_to_authorization();

-- What this release changes: the date, and the end of a family whose authorization stays. Older releases find a token by its `jti`: they no
-- longer find that of the family.
CREATE FUNCTION authorization_to_device_grant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE device_grants SET access_until = NEW.access_until
    WHERE tenant_id = NEW.tenant_id AND id = NEW.id AND access_until <> NEW.access_until;
    RETURN NULL;
END
$$;
CREATE TRIGGER authorization_to_device_grant AFTER UPDATE OF access_until ON authorizations
    FOR EACH ROW EXECUTE FUNCTION authorization_to_device_grant();

CREATE FUNCTION token_family_to_device_grant() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE device_grants SET token_id = 'ended/' || token_id WHERE tenant_id = NEW.tenant_id AND token_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER token_family_to_device_grant AFTER UPDATE OF ended_at ON token_families
    FOR EACH ROW WHEN (OLD.ended_at IS NULL AND NEW.ended_at IS NOT NULL) EXECUTE FUNCTION token_family_to_device_grant();

-- Every approved device grant becomes an authorization, also one that has ended.
INSERT INTO authorizations (tenant_id, id, client_id, user_id, origin, scope, given_at, given_from, given_agent, access_until, last_used_at,
                            last_used_from, ended_at, end_reason)
    SELECT g.tenant_id, g.id, g.client_id, p.user_id, 'device', coalesce(g.granted_scope, d.scope, ''),
           coalesce(d.created_at, CASE WHEN g.state IN ('approved', 'redeemed') THEN g.decided_at END, g.requested_at), g.requested_from,
           g.requested_agent, coalesce(least(g.access_until, d.expires_at), g.expires_at), g.last_used_at, g.last_used_from,
           CASE WHEN g.state NOT IN ('approved', 'redeemed') THEN g.decided_at END,
           CASE g.state WHEN 'approved' THEN NULL WHEN 'redeemed' THEN NULL WHEN 'lapsed' THEN 'unredeemed' ELSE 'unrecorded' END
    FROM device_grants g
    LEFT JOIN delegations d ON d.tenant_id = g.tenant_id AND d.device_grant_id = g.id
    JOIN people p ON p.tenant_id = g.tenant_id AND p.user_id = coalesce(d.user_id, g.person)
    WHERE g.state IN ('approved', 'redeemed', 'withdrawn', 'lapsed');

-- Every redeemed one has a family, whose id is the `jti` of the token that was issued.
INSERT INTO token_families (tenant_id, id, authorization_id, client_id, scope, salt, rotated_at, offline, begun_at, begun_from, begun_agent, ended_at,
                            end_reason)
    SELECT a.tenant_id, g.token_id, a.id, a.client_id, a.scope, sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())),
           coalesce(g.redeemed_at, a.given_at), true, coalesce(g.redeemed_at, a.given_at), g.redeemed_from, g.requested_agent, a.ended_at,
           CASE WHEN a.ended_at IS NOT NULL THEN 'authorization' END
    FROM authorizations a JOIN device_grants g ON g.tenant_id = a.tenant_id AND g.id = a.id
    WHERE g.token_id IS NOT NULL;

-- A delegation ends with its authorization.
UPDATE delegations SET ended_at = a.ended_at
    FROM authorizations a
    WHERE a.tenant_id = delegations.tenant_id AND a.id = delegations.device_grant_id AND a.ended_at IS NOT NULL AND delegations.ended_at IS NULL;

-- Delegations and keys refer to authorizations.
ALTER TABLE delegations DROP CONSTRAINT delegations_tenant_id_device_grant_id_fkey;
ALTER TABLE delegations ADD FOREIGN KEY (tenant_id, device_grant_id) REFERENCES authorizations (tenant_id, id);
ALTER TABLE pubkeys DROP CONSTRAINT pubkeys_tenant_id_device_grant_id_fkey;
ALTER TABLE pubkeys ADD FOREIGN KEY (tenant_id, device_grant_id) REFERENCES authorizations (tenant_id, id) ON DELETE CASCADE;

-- The expiry that was set after the key was created; NULL: none was.
ALTER TABLE pubkeys ADD COLUMN limited_until BIGINT;
