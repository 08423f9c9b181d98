-- Institutions at which people sign in, and who they are there.

-- `profile`: what kind of provider it is (`server/providers/profiles.toml`). The secret is sealed under a key that is not in this
-- file. `newcomers` and `mfa` are JSON (`domain/provider.rs`).
CREATE TABLE identity_providers (
    tenant_id      TEXT    NOT NULL REFERENCES tenants (id),
    id             TEXT    NOT NULL,
    display_name   TEXT    NOT NULL,
    profile        TEXT    NOT NULL,
    base           TEXT    NOT NULL,
    client_id      TEXT    NOT NULL,
    secret_sealed  BLOB,                -- NULL: a public client
    scope          TEXT,                -- NULL: the profile's
    newcomers      TEXT    NOT NULL,
    mfa            TEXT    NOT NULL,
    own_names      INTEGER NOT NULL CHECK (own_names IN (0, 1)),
    enabled        INTEGER NOT NULL CHECK (enabled IN (0, 1)),
    created_at     INTEGER NOT NULL,
    updated_at     INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;

-- Who somebody is elsewhere. Issuer and subject say it, and nothing else does; the label is for people to read.
CREATE TABLE identities (
    tenant_id     TEXT    NOT NULL,
    issuer        TEXT    NOT NULL,
    subject       TEXT    NOT NULL,
    user_id       TEXT    NOT NULL,
    label         TEXT    NOT NULL,
    linked_at     INTEGER NOT NULL,
    last_used_at  INTEGER,
    PRIMARY KEY (tenant_id, issuer, subject),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX identities_by_person ON identities (tenant_id, user_id);

-- One-time codes that tie a newcomer's identity to a person who is there already. Stored as HMACs.
CREATE TABLE invitations (
    tenant_id   TEXT    NOT NULL,
    code_hash   BLOB    NOT NULL PRIMARY KEY,
    user_id     TEXT    NOT NULL,
    expires_at  INTEGER NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX invitations_by_expiry ON invitations (expires_at);
