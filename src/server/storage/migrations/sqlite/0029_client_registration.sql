-- How clients are registered beyond the device grant (`domain/client/registration.rs` has the words).
-- Other grant types than the device grant: words separated by spaces.
ALTER TABLE clients ADD COLUMN grant_types TEXT NOT NULL DEFAULT '';
-- Of clients that are not public, which `secret_hash` says. One that authenticates with its keys has a `secret_hash` of no bytes, which no
-- secret has, so that earlier releases do not take it for a public client.
ALTER TABLE clients ADD COLUMN auth_method TEXT NOT NULL DEFAULT 'secret' CHECK (auth_method IN ('secret', 'private_key_jwt'));
-- Its public keys, a JSON Web Key Set (RFC 7517 §5).
ALTER TABLE clients ADD COLUMN jwks TEXT;
-- Assertions may name the token endpoint as their audience.
ALTER TABLE clients ADD COLUMN endpoint_audience INTEGER NOT NULL DEFAULT 0 CHECK (endpoint_audience IN (0, 1));
ALTER TABLE clients ADD COLUMN pkce TEXT NOT NULL DEFAULT 'required' CHECK (pkce IN ('required', 'nonce', 'off'));
ALTER TABLE clients ADD COLUMN id_token_algorithm TEXT NOT NULL DEFAULT 'RS256' CHECK (id_token_algorithm IN ('RS256', 'ES256'));
-- NULL: the tenant's.
ALTER TABLE clients ADD COLUMN longest_access_ms INTEGER CHECK (longest_access_ms > 0);
-- People arrive there under the name of their account on this host.
ALTER TABLE clients ADD COLUMN username_of_host TEXT COLLATE NOCASE;
ALTER TABLE clients ADD COLUMN pushed_requests_only INTEGER NOT NULL DEFAULT 0 CHECK (pushed_requests_only IN (0, 1));
ALTER TABLE clients ADD COLUMN refresh TEXT NOT NULL DEFAULT 'offline_access' CHECK (refresh IN ('offline_access', 'always'));
ALTER TABLE clients ADD COLUMN consent TEXT NOT NULL DEFAULT 'remembered' CHECK (consent IN ('remembered', 'always'));
-- Tokens that the client got for itself have this value; those with another one have ended.
ALTER TABLE clients ADD COLUMN tokens_since INTEGER NOT NULL DEFAULT 0;

-- The addresses of clients.
CREATE TABLE client_uris (
    tenant_id            TEXT    NOT NULL,
    client_id            TEXT    NOT NULL,
    kind                 TEXT    NOT NULL CHECK (kind IN ('redirect', 'post_logout', 'backchannel_logout', 'origin', 'jwks')),
    uri                  TEXT    NOT NULL,
    -- The operator registered it: the portal may send requests there on its own network too.
    unrestricted_egress  INTEGER NOT NULL DEFAULT 0 CHECK (unrestricted_egress IN (0, 1)),
    PRIMARY KEY (tenant_id, client_id, kind, uri),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE
) STRICT;
-- Whether an origin is one of a tenant's.
CREATE INDEX client_uris_by_uri ON client_uris (tenant_id, kind, uri);

-- What is accepted once, or no more, until it expires: SHA-256 of the `jti` of client assertions that were used, and of revoked tokens of
-- clients, with tenant and client.
CREATE TABLE used_assertions (
    hash        BLOB    NOT NULL PRIMARY KEY,
    expires_at  INTEGER NOT NULL
) STRICT;
CREATE INDEX used_assertions_by_expiry ON used_assertions (expires_at);

-- The tms command signs in through the browser as well: the response comes to a port of the machine (RFC 8252 §7.3).
UPDATE clients SET grant_types = 'authorization_code refresh_token', pushed_requests_only = 1 WHERE client_id = 'tms-cli';
INSERT INTO client_uris (tenant_id, client_id, kind, uri)
    SELECT tenant_id, client_id, 'redirect', 'http://127.0.0.1/callback' FROM clients WHERE client_id = 'tms-cli'
    UNION ALL SELECT tenant_id, client_id, 'redirect', 'http://[::1]/callback' FROM clients WHERE client_id = 'tms-cli';
