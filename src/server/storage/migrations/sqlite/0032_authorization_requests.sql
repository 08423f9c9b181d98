-- Requests of the authorization code flow (RFC 6749 §4.1.1, RFC 9126). What was asked for is sealed under a key derived from the handle, which is
-- in the address of the page and not in the database; only its HMAC is.
--
--   [ waiting ]   the person has not decided; opened_* say which browser session opened the page, and who was signed in to it
--   [ answered ]  allowed: decided_at and authorization_id are set, and there is a code
--   [ refused ]   decided_at is set; reported: "I did not start this"
CREATE TABLE authorization_requests (
    tenant_id         TEXT    NOT NULL,
    id                TEXT    NOT NULL,
    handle_hash       BLOB    NOT NULL UNIQUE,
    client_id         TEXT    NOT NULL,
    -- It was pushed. A browser opens it as a request of its own, each time; the first of those that is answered answers it.
    pushed            INTEGER NOT NULL CHECK (pushed IN (0, 1)),
    -- The pushed request that was opened.
    pushed_id         TEXT,
    content_sealed    BLOB    NOT NULL,
    -- Of the client's request if it was pushed, else of the browser's.
    requested_at      INTEGER NOT NULL,
    requested_from    TEXT,
    requested_agent   TEXT    NOT NULL,
    expires_at        INTEGER NOT NULL,
    opened_session    TEXT,
    opened_person     TEXT,
    state             TEXT    NOT NULL CHECK (state IN ('waiting', 'answered', 'refused')),
    decided_at        INTEGER,
    reported          INTEGER NOT NULL DEFAULT 0 CHECK (reported IN (0, 1)),
    authorization_id  TEXT,
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE,
    CHECK ((state = 'waiting') = (decided_at IS NULL)),
    CHECK (NOT pushed OR pushed_id IS NULL)
) STRICT;
CREATE INDEX authorization_requests_by_client ON authorization_requests (tenant_id, client_id);
CREATE INDEX authorization_requests_by_expiry ON authorization_requests (expires_at);
CREATE INDEX authorization_requests_unopened ON authorization_requests (expires_at) WHERE opened_session IS NULL;
CREATE INDEX authorization_requests_by_person ON authorization_requests (tenant_id, opened_person) WHERE opened_person IS NOT NULL;

-- The code of an answered request, with all that a token request has to match (RFC 6749 §4.1.2). The code is stored as an HMAC.
CREATE TABLE authorization_codes (
    tenant_id           TEXT    NOT NULL,
    request_id          TEXT    NOT NULL,
    code_hash           BLOB    NOT NULL UNIQUE,
    client_id           TEXT    NOT NULL,
    redirect_uri        TEXT    NOT NULL,
    redirect_uri_named  INTEGER NOT NULL CHECK (redirect_uri_named IN (0, 1)),
    challenge           TEXT,
    nonce               TEXT,
    user_id             TEXT    NOT NULL,
    session_id          TEXT    NOT NULL,
    -- When the person had presented the first and the second factor in that session.
    authenticated_at    INTEGER NOT NULL,
    second_factor_at    INTEGER,
    authorization_id    TEXT    NOT NULL,
    -- The authorization was made with this code. False: one was in force.
    made_authorization  INTEGER NOT NULL CHECK (made_authorization IN (0, 1)),
    scope               TEXT    NOT NULL,
    issued_at           INTEGER NOT NULL,
    wrong_tries         INTEGER NOT NULL DEFAULT 0 CHECK (wrong_tries >= 0),
    -- Set together: when it was redeemed, and the token family of its tokens.
    redeemed_at         INTEGER,
    family_id           TEXT,
    PRIMARY KEY (tenant_id, request_id),
    FOREIGN KEY (tenant_id, request_id) REFERENCES authorization_requests (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, authorization_id) REFERENCES authorizations (tenant_id, id) ON DELETE CASCADE,
    CHECK ((redeemed_at IS NULL) = (family_id IS NULL))
) STRICT;
CREATE INDEX authorization_codes_by_authorization ON authorization_codes (tenant_id, authorization_id);
CREATE INDEX authorization_codes_unredeemed ON authorization_codes (issued_at) WHERE redeemed_at IS NULL;

-- People's consents to sign-in scopes of confidential clients, which are not asked for again.
CREATE TABLE consents (
    tenant_id      TEXT    NOT NULL,
    user_id        TEXT    NOT NULL,
    client_id      TEXT    NOT NULL,
    scope          TEXT    NOT NULL,
    -- What the page showed: with another one, the person is asked again.
    redirect_host  TEXT    NOT NULL,
    client_name    TEXT    NOT NULL,
    expires_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id, client_id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX consents_by_client ON consents (tenant_id, client_id);
CREATE INDEX consents_by_expiry ON consents (expires_at);

-- With the reports of authorization requests.
DROP INDEX activity_of_reports;
CREATE INDEX activity_of_reports ON activity (tenant_id, at) WHERE kind IN ('device_reported', 'host_link_refused', 'authorization_reported');
