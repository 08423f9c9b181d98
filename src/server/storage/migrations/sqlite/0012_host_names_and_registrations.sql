-- Names of hosts compare without regard to case, as DNS names do (RFC 4343): `Vista` and `vista` are one host. Registered addresses that
-- are names (`vista.tacc.example`) are further names of their host. And one public key may be registered by several parties.

-- How each host is spelled from now on: as it was registered, else as its credential or its first link says it.
CREATE TABLE spelling (
    tenant_id  TEXT NOT NULL,
    host       TEXT NOT NULL COLLATE NOCASE,
    spelled    TEXT NOT NULL,
    PRIMARY KEY (tenant_id, host)
) STRICT;
INSERT OR IGNORE INTO spelling SELECT tenant_id, host, host FROM hosts ORDER BY number;
INSERT OR IGNORE INTO spelling SELECT tenant_id, host, host FROM host_credentials ORDER BY created_at;
INSERT OR IGNORE INTO spelling SELECT tenant_id, host, host FROM host_accounts ORDER BY number;
INSERT OR IGNORE INTO spelling SELECT tenant_id, host, host FROM host_questions;

CREATE TABLE new_hosts (
    tenant_id   TEXT    NOT NULL REFERENCES tenants (id),
    host        TEXT    NOT NULL COLLATE NOCASE,
    address     TEXT    NOT NULL COLLATE NOCASE,
    created_at  INTEGER NOT NULL,
    number      INTEGER NOT NULL DEFAULT 0,
    updated_at  INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, host, address)
) STRICT;
INSERT OR IGNORE INTO new_hosts (tenant_id, host, address, created_at, number, updated_at)
    SELECT h.tenant_id, s.spelled, h.address, h.created_at, h.number, h.updated_at
    FROM hosts h JOIN spelling s ON s.tenant_id = h.tenant_id AND s.host = h.host
    ORDER BY h.number;

CREATE TABLE new_host_accounts (
    tenant_id       TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    user_id         TEXT    NOT NULL,
    host            TEXT    NOT NULL COLLATE NOCASE,
    account         TEXT    NOT NULL,
    linked_at       INTEGER NOT NULL,
    expires_at      INTEGER NOT NULL,
    number          INTEGER NOT NULL DEFAULT 0,
    updated_at      INTEGER NOT NULL DEFAULT 0,
    linked_by       TEXT    NOT NULL DEFAULT 'admin' CHECK (linked_by IN ('admin', 'mvp', 'person')),
    linked_through  TEXT,                -- what people called the provider it was linked through; NULL: linked in another way
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, user_id, host, account),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id)
) STRICT;
-- Of a person's links that differ by case only, the one that lasts longest stays; what rests on the others rests on it.
CREATE TABLE kept_link (
    tenant_id  TEXT NOT NULL,
    id         TEXT NOT NULL,
    kept       TEXT NOT NULL,
    PRIMARY KEY (tenant_id, id)
) STRICT;
INSERT INTO kept_link
    SELECT a.tenant_id, a.id, first_value(a.id) OVER (PARTITION BY a.tenant_id, a.user_id, s.spelled, a.account ORDER BY a.expires_at DESC, a.number)
    FROM host_accounts a JOIN spelling s ON s.tenant_id = a.tenant_id AND s.host = a.host;
INSERT INTO new_host_accounts (tenant_id, id, user_id, host, account, linked_at, expires_at, number, updated_at, linked_by, linked_through)
    SELECT a.tenant_id, a.id, a.user_id, s.spelled, a.account, a.linked_at, a.expires_at, a.number, a.updated_at, a.linked_by, a.linked_through
    FROM host_accounts a
    JOIN kept_link k ON k.tenant_id = a.tenant_id AND k.id = a.id AND k.kept = a.id
    JOIN spelling s ON s.tenant_id = a.tenant_id AND s.host = a.host
    ORDER BY a.number;

CREATE TABLE new_delegation_host_accounts (
    tenant_id        TEXT NOT NULL,
    delegation_id    TEXT NOT NULL,
    host_account_id  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, delegation_id, host_account_id),
    FOREIGN KEY (tenant_id, delegation_id) REFERENCES delegations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, host_account_id) REFERENCES new_host_accounts (tenant_id, id) ON DELETE CASCADE
) STRICT;
INSERT OR IGNORE INTO new_delegation_host_accounts
    SELECT d.tenant_id, d.delegation_id, k.kept
    FROM delegation_host_accounts d JOIN kept_link k ON k.tenant_id = d.tenant_id AND k.id = d.host_account_id;

CREATE TABLE new_pubkeys (
    number               INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    tenant_id            TEXT    NOT NULL REFERENCES tenants (id),
    client_id            TEXT,                -- NULL: the person's own, made by no client
    user_id              TEXT    NOT NULL,
    host                 TEXT    NOT NULL COLLATE NOCASE,
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
    label                TEXT    NOT NULL DEFAULT '',
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id, host, account) REFERENCES new_host_accounts (tenant_id, user_id, host, account) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, device_grant_id) REFERENCES device_grants (tenant_id, id) ON DELETE CASCADE
) STRICT;
-- A public key is no secret: who registers it first takes it from nobody. Each party (person, client, device) has a registration of
-- its own, with its own end and uses.
CREATE UNIQUE INDEX pubkeys_by_registration
    ON new_pubkeys (fingerprint, host, tenant_id, account, user_id, coalesce(client_id, ''), coalesce(device_grant_id, ''));
-- No number is given twice, also not one whose key has gone.
INSERT INTO sqlite_sequence (name, seq) SELECT 'new_pubkeys', seq FROM sqlite_sequence WHERE name = 'pubkeys';
INSERT OR IGNORE INTO new_pubkeys (number, tenant_id, client_id, user_id, host, account, device_grant_id, fingerprint, public_key, key_type, key_bits,
                                   max_uses, uses, initial_ttl_minutes, expires_at, last_used_at, created_at, updated_at, label)
    SELECT k.number, k.tenant_id, k.client_id, k.user_id, s.spelled, k.account, k.device_grant_id, k.fingerprint, k.public_key, k.key_type, k.key_bits,
           k.max_uses, k.uses, k.initial_ttl_minutes, k.expires_at, k.last_used_at, k.created_at, k.updated_at, k.label
    FROM pubkeys k JOIN spelling s ON s.tenant_id = k.tenant_id AND s.host = k.host
    ORDER BY k.remaining_uses = 0, k.expires_at DESC, k.number;

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
-- Those of a key that another registration of the same party stands for now go over to that one.
INSERT INTO new_reservations (tenant_id, resid, number, parent_resid, client_id, pubkey, expires_at, created_at, updated_at)
    SELECT r.tenant_id, r.resid, r.number, r.parent_resid, r.client_id, n.number, r.expires_at, r.created_at, r.updated_at
    FROM reservations r
    JOIN pubkeys k ON k.number = r.pubkey
    JOIN new_pubkeys n ON n.fingerprint = k.fingerprint AND n.host = k.host AND n.tenant_id = k.tenant_id AND n.account = k.account
         AND n.user_id = k.user_id AND n.client_id IS k.client_id AND n.device_grant_id IS k.device_grant_id;

CREATE TABLE new_host_credentials (
    tenant_id         TEXT    NOT NULL REFERENCES tenants (id),
    host              TEXT    NOT NULL COLLATE NOCASE,
    secret_hash       BLOB    NOT NULL UNIQUE,
    old_secret_hash   BLOB    UNIQUE,
    old_secret_until  INTEGER,
    required          INTEGER NOT NULL CHECK (required IN (0, 1)),
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, host)
) STRICT;
-- Of two credentials of one host, the newer is its credential; the other goes on until the next rotation. A host has two secrets at most:
-- of more than two spellings, the two made last stay (docs/operations.md).
INSERT OR IGNORE INTO new_host_credentials (tenant_id, host, secret_hash, old_secret_hash, old_secret_until, required, created_at, updated_at)
    SELECT c.tenant_id, s.spelled, c.secret_hash,
           coalesce(lead(c.secret_hash) OVER newest, c.old_secret_hash),
           CASE WHEN lead(c.secret_hash) OVER newest IS NULL THEN c.old_secret_until ELSE 253402300799000 END,
           max(c.required) OVER (PARTITION BY c.tenant_id, s.spelled), c.created_at, c.updated_at
    FROM host_credentials c JOIN spelling s ON s.tenant_id = c.tenant_id AND s.host = c.host
    WINDOW newest AS (PARTITION BY c.tenant_id, s.spelled ORDER BY c.updated_at DESC, c.host)
    ORDER BY c.updated_at DESC, c.host;

CREATE TABLE new_link_requests (
    tenant_id        TEXT    NOT NULL,
    host             TEXT    NOT NULL COLLATE NOCASE,
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
    FOREIGN KEY (tenant_id, host) REFERENCES new_host_credentials (tenant_id, host) ON DELETE CASCADE,
    CHECK (state <> 'linked' OR (person IS NOT NULL AND link_until IS NOT NULL))
) STRICT;
INSERT OR IGNORE INTO new_link_requests
    SELECT r.tenant_id, s.spelled, r.account, r.id, r.uid, r.secret_hash, r.user_code_hash, r.asked_at, r.expires_at, r.claimed_session,
           r.claimed_person, r.state, r.person, r.link_until
    FROM link_requests r JOIN spelling s ON s.tenant_id = r.tenant_id AND s.host = r.host
    ORDER BY r.asked_at DESC;

CREATE TABLE new_host_questions (
    tenant_id     TEXT    NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    host          TEXT    NOT NULL COLLATE NOCASE,
    asked_at      INTEGER NOT NULL,
    from_address  TEXT,
    PRIMARY KEY (tenant_id, host)
) STRICT;
INSERT OR IGNORE INTO new_host_questions
    SELECT q.tenant_id, s.spelled, q.asked_at, q.from_address
    FROM host_questions q JOIN spelling s ON s.tenant_id = q.tenant_id AND s.host = q.host
    ORDER BY q.asked_at DESC;

-- Those that refer to others first: removing a table removes what refers to its rows.
DROP TABLE reservations;
DROP TABLE pubkeys;
DROP TABLE delegation_host_accounts;
DROP TABLE host_accounts;
DROP TABLE link_requests;
DROP TABLE host_credentials;
DROP TABLE host_questions;
DROP TABLE hosts;
DROP TABLE kept_link;
DROP TABLE spelling;
ALTER TABLE new_hosts RENAME TO hosts;
ALTER TABLE new_host_accounts RENAME TO host_accounts;
ALTER TABLE new_delegation_host_accounts RENAME TO delegation_host_accounts;
ALTER TABLE new_pubkeys RENAME TO pubkeys;
ALTER TABLE new_reservations RENAME TO reservations;
ALTER TABLE new_host_credentials RENAME TO host_credentials;
ALTER TABLE new_link_requests RENAME TO link_requests;
ALTER TABLE new_host_questions RENAME TO host_questions;

CREATE UNIQUE INDEX hosts_by_number ON hosts (tenant_id, number);
CREATE UNIQUE INDEX host_accounts_by_number ON host_accounts (tenant_id, number);
CREATE INDEX host_accounts_by_place ON host_accounts (tenant_id, host, account);
CREATE INDEX pubkeys_by_person ON pubkeys (tenant_id, user_id, host, account);
CREATE INDEX pubkeys_by_tenant ON pubkeys (tenant_id);
CREATE INDEX pubkeys_by_client ON pubkeys (tenant_id, client_id);
CREATE INDEX pubkeys_by_grant ON pubkeys (tenant_id, device_grant_id) WHERE device_grant_id IS NOT NULL;
CREATE INDEX pubkeys_of_person ON pubkeys (tenant_id, user_id, number);
CREATE INDEX pubkeys_that_end ON pubkeys (expires_at) WHERE expires_at < 253402300799000;
CREATE INDEX reservations_by_pubkey ON reservations (pubkey, expires_at);
CREATE INDEX reservations_by_expiry ON reservations (expires_at);
CREATE INDEX reservations_by_parent ON reservations (tenant_id, parent_resid);
CREATE INDEX link_requests_by_expiry ON link_requests (expires_at);

-- Further names of hosts: registered addresses that are names, of one host alone, and not a registered host's own name. Made anew from
-- `hosts` whenever that changes (`storage/hosts.rs`).
CREATE TABLE host_aliases (
    tenant_id  TEXT NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    alias      TEXT NOT NULL COLLATE NOCASE,
    host       TEXT NOT NULL COLLATE NOCASE,
    PRIMARY KEY (tenant_id, alias)
) STRICT;
CREATE INDEX host_aliases_by_host ON host_aliases (tenant_id, host);
INSERT INTO host_aliases (tenant_id, alias, host)
    SELECT h.tenant_id, h.address, min(h.host)
    FROM hosts h
    WHERE h.address NOT GLOB '*[^A-Za-z0-9._-]*' AND h.address GLOB '*[A-Za-z]*'
      AND NOT EXISTS (SELECT 1 FROM hosts o WHERE o.tenant_id = h.tenant_id AND o.host = h.address)
    GROUP BY h.tenant_id, h.address
    HAVING count(DISTINCT h.host) = 1;

-- `host_names` keeps spellings that differ by case only, where different tenants have them: no host that names no tenant comes to
-- another one by this change. The exact spelling is asked first, and no further one can be claimed.
CREATE INDEX host_names_by_name ON host_names (host COLLATE NOCASE, since);
INSERT OR IGNORE INTO host_names (host, tenant_id, since)
    SELECT a.alias, a.tenant_id, min(h.created_at)
    FROM host_aliases a JOIN hosts h ON h.tenant_id = a.tenant_id AND h.address = a.alias
    WHERE NOT EXISTS (SELECT 1 FROM host_names n WHERE n.host = a.alias COLLATE NOCASE)
    GROUP BY a.tenant_id, a.alias
    ORDER BY 3;
