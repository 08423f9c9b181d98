-- Second factors kept here, when the tenant wants one, and the institution that a session rests on.

-- One authenticator app a person (RFC 6238). The secret is sealed under a key that is not in this file. `last_step`: the time step of
-- the last code that counted; no code counts twice.
CREATE TABLE totp (
    tenant_id      TEXT    NOT NULL,
    user_id        TEXT    NOT NULL,
    secret_sealed  BLOB    NOT NULL,
    last_step      INTEGER NOT NULL,
    created_at     INTEGER NOT NULL,
    last_used_at   INTEGER,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
) STRICT;

-- WebAuthn credentials: public keys, and what the library keeps beside them (JSON).
CREATE TABLE passkeys (
    number         INTEGER NOT NULL PRIMARY KEY,
    tenant_id      TEXT    NOT NULL,
    user_id        TEXT    NOT NULL,
    credential_id  BLOB    NOT NULL,
    passkey        TEXT    NOT NULL,
    name           TEXT    NOT NULL,
    created_at     INTEGER NOT NULL,
    last_used_at   INTEGER,
    UNIQUE (tenant_id, credential_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX passkeys_by_person ON passkeys (tenant_id, user_id);

-- For the day the telephone is lost; each good once. Stored as HMACs.
CREATE TABLE recovery_codes (
    tenant_id  TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    code_hash  BLOB NOT NULL,
    PRIMARY KEY (tenant_id, user_id, code_hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
) STRICT;

ALTER TABLE tenants ADD COLUMN second_factor_for_admins INTEGER NOT NULL DEFAULT 0 CHECK (second_factor_for_admins IN (0, 1));
ALTER TABLE tenants ADD COLUMN second_factor_at_consent INTEGER NOT NULL DEFAULT 0 CHECK (second_factor_at_consent IN (0, 1));

-- The institution's session that a browser's rests on, so that it can end this one (OpenID Connect Back-Channel Logout 1.0).
ALTER TABLE browser_sessions ADD COLUMN idp_issuer TEXT;
ALTER TABLE browser_sessions ADD COLUMN idp_subject TEXT;
ALTER TABLE browser_sessions ADD COLUMN idp_sid TEXT;
CREATE INDEX browser_sessions_by_institution ON browser_sessions (tenant_id, idp_issuer, idp_subject) WHERE idp_issuer IS NOT NULL;
