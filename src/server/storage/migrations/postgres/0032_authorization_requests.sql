-- Requests of the authorization code flow (RFC 6749 §4.1.1, RFC 9126). What was asked for is sealed under a key derived from the handle, which is
-- in the address of the page and not in the database; only its HMAC is.
--
--   [ waiting ]   the person has not decided; opened_* say which browser session opened the page, and who was signed in to it
--   [ answered ]  allowed: decided_at and authorization_id are set, and there is a code
--   [ refused ]   decided_at is set; reported: "I did not start this"
CREATE TABLE authorization_requests (
    tenant_id         TEXT COLLATE "C" NOT NULL,
    id                TEXT COLLATE "C" NOT NULL,
    handle_hash       BYTEA NOT NULL UNIQUE,
    client_id         TEXT COLLATE "C" NOT NULL,
    -- It was pushed. A browser opens it as a request of its own, each time; the first of those that is answered answers it.
    pushed            BOOLEAN NOT NULL,
    -- The pushed request that was opened.
    pushed_id         TEXT COLLATE "C",
    content_sealed    BYTEA NOT NULL,
    -- Of the client's request if it was pushed, else of the browser's.
    requested_at      BIGINT NOT NULL,
    requested_from    TEXT COLLATE "C",
    requested_agent   TEXT COLLATE "C" NOT NULL,
    expires_at        BIGINT NOT NULL,
    opened_session    TEXT COLLATE "C",
    opened_person     TEXT COLLATE "C",
    state             TEXT COLLATE "C" NOT NULL CHECK (state IN ('waiting', 'answered', 'refused')),
    decided_at        BIGINT,
    reported          BOOLEAN NOT NULL DEFAULT false,
    authorization_id  TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE,
    CHECK ((state = 'waiting') = (decided_at IS NULL)),
    CHECK (NOT pushed OR pushed_id IS NULL)
);
CREATE INDEX authorization_requests_by_client ON authorization_requests (tenant_id, client_id);
CREATE INDEX authorization_requests_by_expiry ON authorization_requests (expires_at);
CREATE INDEX authorization_requests_unopened ON authorization_requests (expires_at) WHERE opened_session IS NULL;
CREATE INDEX authorization_requests_by_person ON authorization_requests (tenant_id, opened_person) WHERE opened_person IS NOT NULL;

-- The code of an answered request, with all that a token request has to match (RFC 6749 §4.1.2). The code is stored as an HMAC.
CREATE TABLE authorization_codes (
    tenant_id           TEXT COLLATE "C" NOT NULL,
    request_id          TEXT COLLATE "C" NOT NULL,
    code_hash           BYTEA NOT NULL UNIQUE,
    client_id           TEXT COLLATE "C" NOT NULL,
    redirect_uri        TEXT COLLATE "C" NOT NULL,
    redirect_uri_named  BOOLEAN NOT NULL,
    challenge           TEXT COLLATE "C",
    nonce               TEXT COLLATE "C",
    user_id             TEXT COLLATE "C" NOT NULL,
    session_id          TEXT COLLATE "C" NOT NULL,
    -- When the person had presented the first and the second factor in that session.
    authenticated_at    BIGINT NOT NULL,
    second_factor_at    BIGINT,
    authorization_id    TEXT COLLATE "C" NOT NULL,
    -- The authorization was made with this code. False: one was in force.
    made_authorization  BOOLEAN NOT NULL,
    scope               TEXT COLLATE "C" NOT NULL,
    issued_at           BIGINT NOT NULL,
    wrong_tries         BIGINT NOT NULL DEFAULT 0 CHECK (wrong_tries >= 0),
    -- Set together: when it was redeemed, and the token family of its tokens.
    redeemed_at         BIGINT,
    family_id           TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, request_id),
    FOREIGN KEY (tenant_id, request_id) REFERENCES authorization_requests (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, authorization_id) REFERENCES authorizations (tenant_id, id) ON DELETE CASCADE,
    CHECK ((redeemed_at IS NULL) = (family_id IS NULL))
);
CREATE INDEX authorization_codes_by_authorization ON authorization_codes (tenant_id, authorization_id);
CREATE INDEX authorization_codes_unredeemed ON authorization_codes (issued_at) WHERE redeemed_at IS NULL;

-- People's consents to sign-in scopes of confidential clients, which are not asked for again.
CREATE TABLE consents (
    tenant_id      TEXT COLLATE "C" NOT NULL,
    user_id        TEXT COLLATE "C" NOT NULL,
    client_id      TEXT COLLATE "C" NOT NULL,
    scope          TEXT COLLATE "C" NOT NULL,
    -- What the page showed: with another one, the person is asked again.
    redirect_host  TEXT COLLATE "C" NOT NULL,
    client_name    TEXT COLLATE "C" NOT NULL,
    expires_at     BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, client_id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX consents_by_client ON consents (tenant_id, client_id);
CREATE INDEX consents_by_expiry ON consents (expires_at);

-- With the reports of authorization requests.
DROP INDEX activity_of_reports;
CREATE INDEX activity_of_reports ON activity (tenant_id, at) WHERE kind IN ('device_reported', 'host_link_refused', 'authorization_reported');
