-- Host accounts that people link from the host itself.

-- How long such a link lasts.
ALTER TABLE tenants ADD COLUMN link_lifetime_ms INTEGER NOT NULL DEFAULT 31536000000 CHECK (link_lifetime_ms > 0);
-- One account may be linked to several people.
ALTER TABLE tenants ADD COLUMN shared_host_accounts INTEGER NOT NULL DEFAULT 0 CHECK (shared_host_accounts IN (0, 1));
-- Accounts with a lower number are the host's own.
ALTER TABLE tenants ADD COLUMN lowest_linked_uid INTEGER NOT NULL DEFAULT 1000 CHECK (lowest_linked_uid > 0);

-- An account asks, with its host's credential; whoever types the code decides. One row an account: asking again takes the place of
-- what was asked before. Both secrets are stored as HMACs under a key that is not in this file.
--
--   [ waiting ]  nothing decided; claimed_* say which browser session typed the code, and as whom
--   [ linked ]   person, link_until are set
--   [ refused ]  "not me"
CREATE TABLE link_requests (
    tenant_id        TEXT    NOT NULL,
    host             TEXT    NOT NULL,
    account          TEXT    NOT NULL,
    id               TEXT    NOT NULL,
    uid              INTEGER NOT NULL,
    secret_hash      BLOB    NOT NULL UNIQUE,
    user_code_hash   BLOB    NOT NULL UNIQUE,
    asked_at         INTEGER NOT NULL,
    expires_at       INTEGER NOT NULL,
    claimed_session  BLOB,
    claimed_person   TEXT,
    state            TEXT    NOT NULL CHECK (state IN ('waiting', 'linked', 'refused')),
    person           TEXT,
    link_until       INTEGER,
    PRIMARY KEY (tenant_id, host, account),
    UNIQUE (tenant_id, id),
    -- A host whose credential is taken away asks for nothing any more.
    FOREIGN KEY (tenant_id, host) REFERENCES host_credentials (tenant_id, host) ON DELETE CASCADE,
    CHECK (state <> 'linked' OR (person IS NOT NULL AND link_until IS NOT NULL))
) STRICT;
CREATE INDEX link_requests_by_expiry ON link_requests (expires_at);

-- Is this account somebody else's?
CREATE INDEX host_accounts_by_place ON host_accounts (tenant_id, host, account);
