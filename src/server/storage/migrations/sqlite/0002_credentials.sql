-- What the TMS credential API needs: numbers and change times for the rows TMS' wire shows, policies, second secrets for the
-- time of a rotation, keys, reservations, and hosts that prove who they are.

-- TMS' wire names rows by number. Counted here, so that no number is given twice.
CREATE TABLE numbers (
    name  TEXT    NOT NULL PRIMARY KEY,
    last  INTEGER NOT NULL
) STRICT;
INSERT INTO numbers (name, last)
    SELECT 'tenants', coalesce(max(rowid), 0) FROM tenants
    UNION ALL SELECT 'clients', coalesce(max(rowid), 0) FROM clients
    UNION ALL SELECT 'user_mfa', coalesce(max(rowid), 0) FROM user_mfa
    UNION ALL SELECT 'hosts', coalesce(max(rowid), 0) FROM hosts
    UNION ALL SELECT 'host_accounts', coalesce(max(rowid), 0) FROM host_accounts
    UNION ALL SELECT 'delegations', coalesce(max(rowid), 0) FROM delegations
    UNION ALL SELECT 'reservations', 0;

ALTER TABLE tenants ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
-- Links and delegations that are missing are made when a client asks for a key; for moving over from an older deployment.
ALTER TABLE tenants ADD COLUMN mvp INTEGER NOT NULL DEFAULT 0 CHECK (mvp IN (0, 1));
-- Anybody may register a client.
ALTER TABLE tenants ADD COLUMN open_registration INTEGER NOT NULL DEFAULT 0 CHECK (open_registration IN (0, 1));
-- Keys are only shown to hosts that prove who they are.
ALTER TABLE tenants ADD COLUMN require_host_credential INTEGER NOT NULL DEFAULT 0 CHECK (require_host_credential IN (0, 1));
UPDATE tenants SET number = rowid, updated_at = created_at;
CREATE UNIQUE INDEX tenants_by_number ON tenants (number);

ALTER TABLE tenant_admins ADD COLUMN old_secret_hash BLOB;
ALTER TABLE tenant_admins ADD COLUMN old_secret_until INTEGER;

ALTER TABLE clients ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN old_secret_hash BLOB;
ALTER TABLE clients ADD COLUMN old_secret_until INTEGER;
UPDATE clients SET number = rowid, updated_at = created_at;
CREATE UNIQUE INDEX clients_by_number ON clients (tenant_id, number);
-- The portal's own command line grew the scopes for keys.
UPDATE clients SET scope = 'hosts:read keys:read keys:create keys:revoke' WHERE client_id = 'tms-cli';

ALTER TABLE user_mfa ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE user_mfa ADD COLUMN created_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE user_mfa ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE user_mfa SET number = rowid;
UPDATE user_mfa SET created_at = (SELECT p.created_at FROM people p WHERE p.tenant_id = user_mfa.tenant_id AND p.user_id = user_mfa.user_id);
UPDATE user_mfa SET updated_at = created_at;
CREATE UNIQUE INDEX user_mfa_by_number ON user_mfa (tenant_id, number);

ALTER TABLE hosts ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hosts ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
UPDATE hosts SET number = rowid, updated_at = created_at;
CREATE UNIQUE INDEX hosts_by_number ON hosts (tenant_id, number);

ALTER TABLE host_accounts ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE host_accounts ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE host_accounts ADD COLUMN linked_by TEXT NOT NULL DEFAULT 'admin' CHECK (linked_by IN ('admin', 'mvp', 'person'));
UPDATE host_accounts SET number = rowid, updated_at = linked_at;
CREATE UNIQUE INDEX host_accounts_by_number ON host_accounts (tenant_id, number);

ALTER TABLE delegations ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delegations ADD COLUMN updated_at INTEGER NOT NULL DEFAULT 0;
ALTER TABLE delegations ADD COLUMN made_by TEXT NOT NULL DEFAULT 'person' CHECK (made_by IN ('admin', 'mvp', 'person'));
UPDATE delegations SET number = rowid, updated_at = created_at;
UPDATE delegations SET made_by = 'admin' WHERE device_grant_id IS NULL;
CREATE UNIQUE INDEX delegations_by_number ON delegations (tenant_id, number);

-- Which tenant answers a host that asks without saying whose it is: the first that registered the name, or linked an account
-- on it. Otherwise a tenant could let its own keys into another tenant's host by using the same name.
CREATE TABLE host_names (
    host       TEXT    NOT NULL PRIMARY KEY,
    tenant_id  TEXT    NOT NULL REFERENCES tenants (id),
    since      INTEGER NOT NULL
) STRICT;
INSERT INTO host_names (host, tenant_id, since)
    SELECT host, tenant_id, min(since)
    FROM (SELECT host, tenant_id, created_at AS since FROM hosts UNION ALL SELECT host, tenant_id, linked_at FROM host_accounts)
    GROUP BY host;

-- What a host proves itself with.
CREATE TABLE host_credentials (
    tenant_id         TEXT    NOT NULL REFERENCES tenants (id),
    host              TEXT    NOT NULL,
    secret_hash       BLOB    NOT NULL UNIQUE,
    old_secret_hash   BLOB    UNIQUE,
    old_secret_until  INTEGER,
    required          INTEGER NOT NULL CHECK (required IN (0, 1)),
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, host)
) STRICT;

-- Public halves of SSH keys; no private half is ever stored. Keyed by number because sshd asks without a tenant.
CREATE TABLE pubkeys (
    number               INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    tenant_id            TEXT    NOT NULL REFERENCES tenants (id),
    client_id            TEXT,                -- NULL: the person's own, made by no client
    user_id              TEXT    NOT NULL,
    host                 TEXT    NOT NULL,
    account              TEXT    NOT NULL,
    device_grant_id      TEXT,                -- set: made with a device's token, and ends with that device
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
    -- With the account: nobody can take another person's key away from them by registering it first.
    UNIQUE (fingerprint, host, tenant_id, account),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id, host, account) REFERENCES host_accounts (tenant_id, user_id, host, account) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, device_grant_id) REFERENCES device_grants (tenant_id, id) ON DELETE CASCADE
) STRICT;
CREATE INDEX pubkeys_by_person ON pubkeys (tenant_id, user_id, host, account);
CREATE INDEX pubkeys_by_tenant ON pubkeys (tenant_id);
CREATE INDEX pubkeys_by_client ON pubkeys (tenant_id, client_id);
CREATE INDEX pubkeys_by_grant ON pubkeys (tenant_id, device_grant_id) WHERE device_grant_id IS NOT NULL;

-- Leases that keep a key going beyond its end. Depth two: a child points to its parent, a parent to itself.
CREATE TABLE reservations (
    tenant_id     TEXT    NOT NULL,
    resid         TEXT    NOT NULL,
    number        INTEGER NOT NULL UNIQUE,
    parent_resid  TEXT    NOT NULL,
    client_id     TEXT    NOT NULL,
    pubkey        INTEGER NOT NULL REFERENCES pubkeys (number) ON DELETE CASCADE,
    expires_at    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, resid),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX reservations_by_pubkey ON reservations (pubkey, expires_at);
CREATE INDEX reservations_by_expiry ON reservations (expires_at);
CREATE INDEX reservations_by_parent ON reservations (tenant_id, parent_resid);

-- Who did it, where it was not the person; and what it was about.
ALTER TABLE activity ADD COLUMN admin_id TEXT;
ALTER TABLE activity ADD COLUMN subject TEXT;
