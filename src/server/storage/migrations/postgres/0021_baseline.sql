-- The schema of PostgreSQL as of migration 21: what the files 1 to 21 of ../sqlite lead to. From here on, each change is a file of the same
-- number in both folders; a test compares the two schemas (`tests/http/schema.rs`).
--
-- Times are whole milliseconds since 1970, UTC. Every table but `tenants` starts its key with the tenant; the two that cannot (`attempts`
-- and `browser_sessions`, both older than a sign-in) say so. Texts are compared byte by byte, as SQLite does.

-- Names of hosts compare without regard to case, as DNS names do (RFC 4343). They are ASCII. It has the name of SQLite's collation, so that
-- `COLLATE NOCASE` is valid in both. LIKE does not take columns of it before PostgreSQL 18.
CREATE COLLATION nocase (provider = icu, locale = 'und-u-ks-level2', deterministic = false);

-- SQLite's collation that compares byte by byte.
CREATE COLLATION "binary" (provider = libc, locale = 'C');

-- SQLite's functions that statements use. `atom`: the value as text, where it is a text, a number or a boolean.
CREATE FUNCTION json_each(text) RETURNS TABLE (key bigint, value jsonb, atom text) LANGUAGE sql IMMUTABLE
    AS $$ SELECT e.ord - 1, e.el, e.el #>> '{}' FROM jsonb_array_elements($1::jsonb) WITH ORDINALITY e (el, ord) $$;
-- The function of SQLite's LIKE, for patterns in lower case: upper and lower case are equal.
CREATE FUNCTION like(pattern text, value text, escape text) RETURNS boolean LANGUAGE sql IMMUTABLE
    AS $$ SELECT lower(value COLLATE "C") LIKE pattern ESCAPE escape $$;
CREATE FUNCTION unhex(text) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$ SELECT decode($1, 'hex') $$;

CREATE TABLE tenants (
    id                        TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    display_name              TEXT COLLATE "C" NOT NULL,
    enabled                   BOOLEAN NOT NULL,
    local_passwords           BOOLEAN NOT NULL,
    prefill_user_code         BOOLEAN NOT NULL,
    require_started_tick      BOOLEAN NOT NULL,
    code_lifetime_ms          BIGINT  NOT NULL CHECK (code_lifetime_ms > 0),
    longest_access_ms         BIGINT  NOT NULL CHECK (longest_access_ms > 0),
    created_at                BIGINT  NOT NULL,
    number                    BIGINT  NOT NULL DEFAULT 0,
    updated_at                BIGINT  NOT NULL DEFAULT 0,
    -- Links and delegations that are missing are made when a client asks for a key; for moving over from an older deployment.
    mvp                       BOOLEAN NOT NULL DEFAULT false,
    -- A client may register without a secret of the tenant's.
    open_registration         BOOLEAN NOT NULL DEFAULT false,
    -- Keys are only shown to hosts that authenticate.
    require_host_credential   BOOLEAN NOT NULL DEFAULT false,
    -- How long a person's second factor counts when an administrator opens its window without saying until when.
    mfa_lifetime_ms           BIGINT  NOT NULL DEFAULT 604800000 CHECK (mfa_lifetime_ms > 0),
    -- People may register public keys of their own.
    own_keys                  BOOLEAN NOT NULL DEFAULT true,
    -- The tenant's colour on light and on dark ground, `#rrggbb`; NULL: the portal's own.
    brand_light               TEXT COLLATE "C",
    brand_dark                TEXT COLLATE "C",
    -- How long a link of a host account lasts that its person made on the host.
    link_lifetime_ms          BIGINT  NOT NULL DEFAULT 31536000000 CHECK (link_lifetime_ms > 0),
    -- One account may be linked to several people.
    shared_host_accounts      BOOLEAN NOT NULL DEFAULT false,
    -- Accounts with a lower number are the host's own.
    lowest_linked_uid         BIGINT  NOT NULL DEFAULT 1000 CHECK (lowest_linked_uid > 0),
    second_factor_for_admins  BOOLEAN NOT NULL DEFAULT false,
    second_factor_at_consent  BOOLEAN NOT NULL DEFAULT false,
    -- Where a tenant's people ask for help: an e-mail address, an https URL, a telephone number or a text of at most 200 characters.
    help_contact              TEXT COLLATE "C"
);
CREATE UNIQUE INDEX tenants_by_number ON tenants (number);

-- The last number given to a row of each table that TMS' wire names by number: no number is given twice.
CREATE TABLE numbers (
    name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    last  BIGINT NOT NULL
);
INSERT INTO numbers (name, last) VALUES
    ('tenants', 0), ('clients', 0), ('user_mfa', 0), ('hosts', 0), ('host_accounts', 0), ('delegations', 0), ('reservations', 0),
    ('refused_lookups', 0);

CREATE TABLE tenant_admins (
    tenant_id         TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    admin_id          TEXT COLLATE "C" NOT NULL,
    secret_hash       BYTEA  NOT NULL,
    created_at        BIGINT NOT NULL,
    old_secret_hash   BYTEA,
    old_secret_until  BIGINT,
    PRIMARY KEY (tenant_id, admin_id)
);

CREATE TABLE clients (
    tenant_id         TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    client_id         TEXT COLLATE "C" NOT NULL,
    app_name          TEXT COLLATE "C" NOT NULL,
    app_version       TEXT COLLATE "C" NOT NULL,
    secret_hash       BYTEA,                -- NULL: a public client
    enabled           BOOLEAN NOT NULL,
    device_grant      BOOLEAN NOT NULL,
    scope             TEXT COLLATE "C" NOT NULL,
    verified          BOOLEAN NOT NULL,
    created_at        BIGINT  NOT NULL,
    number            BIGINT  NOT NULL DEFAULT 0,
    updated_at        BIGINT  NOT NULL DEFAULT 0,
    old_secret_hash   BYTEA,
    old_secret_until  BIGINT,
    -- Columns `…_folded`: what lists are searched in, where a text is more than ASCII: in compatibility form and case-folded
    -- (`domain/folding.rs`), written by the application. NULL: the text is ASCII.
    app_name_folded   TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, client_id),
    UNIQUE (tenant_id, app_name, app_version)
);
CREATE UNIQUE INDEX clients_by_number ON clients (tenant_id, number);

CREATE TABLE people (
    tenant_id            TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    user_id              TEXT COLLATE "C" NOT NULL,
    display_name         TEXT COLLATE "C" NOT NULL,
    enabled              BOOLEAN NOT NULL,
    password_hash        TEXT COLLATE "C",     -- PHC string; NULL: signs in elsewhere
    created_at           BIGINT  NOT NULL,
    -- The role of an administrator: may run the tenant in the portal.
    admin                BOOLEAN NOT NULL DEFAULT false,
    display_name_folded  TEXT COLLATE "C",
    email                TEXT COLLATE "C",
    -- The issuer whose verified claim the address is; NULL: set by an administrator.
    email_issuer         TEXT COLLATE "C",
    -- Whether e-mail is also sent about what applications do.
    optional_mail        BOOLEAN NOT NULL DEFAULT true,
    -- The language that they last used; NULL: not known.
    language             TEXT COLLATE "C",
    -- When the last e-mail was sent.
    mailed_at            BIGINT  NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, user_id)
);

CREATE TABLE user_mfa (
    tenant_id   TEXT COLLATE "C" NOT NULL,
    user_id     TEXT COLLATE "C" NOT NULL,
    enabled     BOOLEAN NOT NULL,
    expires_at  BIGINT  NOT NULL,
    number      BIGINT  NOT NULL DEFAULT 0,
    created_at  BIGINT  NOT NULL DEFAULT 0,
    updated_at  BIGINT  NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id)
);
CREATE UNIQUE INDEX user_mfa_by_number ON user_mfa (tenant_id, number);

-- Institutions at which people sign in, and the identities they have there.

-- `profile`: what kind of provider it is (`server/providers/profiles.toml`). The secret is sealed under a key that is not in the database.
-- `newcomers`, `mfa` and `resources` are JSON (`domain/provider.rs`).
CREATE TABLE identity_providers (
    tenant_id      TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    id             TEXT COLLATE "C" NOT NULL,
    display_name   TEXT COLLATE "C" NOT NULL,
    profile        TEXT COLLATE "C" NOT NULL,
    base           TEXT COLLATE "C" NOT NULL,
    client_id      TEXT COLLATE "C" NOT NULL,
    secret_sealed  BYTEA,                -- NULL: a public client
    scope          TEXT COLLATE "C",     -- NULL: the profile's
    newcomers      TEXT COLLATE "C" NOT NULL,
    mfa            TEXT COLLATE "C" NOT NULL,
    own_names      BOOLEAN NOT NULL,
    enabled        BOOLEAN NOT NULL,
    created_at     BIGINT  NOT NULL,
    updated_at     BIGINT  NOT NULL,
    anywhere       BOOLEAN NOT NULL DEFAULT true,
    resources      TEXT COLLATE "C",     -- the hosts that the provider owns, and where it lists them; NULL: it owns none
    PRIMARY KEY (tenant_id, id)
);

-- Issuer and subject name the identity; the label is for people to read.
CREATE TABLE identities (
    tenant_id     TEXT COLLATE "C" NOT NULL,
    issuer        TEXT COLLATE "C" NOT NULL,
    subject       TEXT COLLATE "C" NOT NULL,
    user_id       TEXT COLLATE "C" NOT NULL,
    label         TEXT COLLATE "C" NOT NULL,
    linked_at     BIGINT NOT NULL,
    last_used_at  BIGINT,
    PRIMARY KEY (tenant_id, issuer, subject),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX identities_by_person ON identities (tenant_id, user_id);

-- One-time codes that link a newcomer's identity to a person who is there already. Stored as HMACs.
CREATE TABLE invitations (
    tenant_id   TEXT COLLATE "C" NOT NULL,
    code_hash   BYTEA  NOT NULL PRIMARY KEY,
    user_id     TEXT COLLATE "C" NOT NULL,
    expires_at  BIGINT NOT NULL,
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX invitations_by_expiry ON invitations (expires_at);

-- Second factors kept here.

-- One authenticator app a person (RFC 6238). The secret is sealed under a key that is not in the database. `last_step`: the time step of
-- the last code that counted; no code counts twice.
CREATE TABLE totp (
    tenant_id      TEXT COLLATE "C" NOT NULL,
    user_id        TEXT COLLATE "C" NOT NULL,
    secret_sealed  BYTEA  NOT NULL,
    last_step      BIGINT NOT NULL,
    created_at     BIGINT NOT NULL,
    last_used_at   BIGINT,
    PRIMARY KEY (tenant_id, user_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
);

-- WebAuthn credentials: public keys, and what the library keeps beside them (JSON).
CREATE TABLE passkeys (
    number         BIGINT NOT NULL GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    tenant_id      TEXT COLLATE "C" NOT NULL,
    user_id        TEXT COLLATE "C" NOT NULL,
    credential_id  BYTEA  NOT NULL,
    passkey        TEXT COLLATE "C" NOT NULL,
    name           TEXT COLLATE "C" NOT NULL,
    created_at     BIGINT NOT NULL,
    last_used_at   BIGINT,
    -- What it answered last, as a hash: the same answer, sent twice at once, counts once.
    last_asked     BYTEA,
    UNIQUE (tenant_id, credential_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX passkeys_by_person ON passkeys (tenant_id, user_id);

-- For a person who has lost their other factors; each is valid once. Stored as HMACs.
CREATE TABLE recovery_codes (
    tenant_id  TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    code_hash  BYTEA NOT NULL,
    PRIMARY KEY (tenant_id, user_id, code_hash),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
);

-- Hosts, and the accounts on them that belong to people.

CREATE TABLE hosts (
    tenant_id   TEXT COLLATE "C"    NOT NULL REFERENCES tenants (id),
    host        TEXT COLLATE nocase NOT NULL,
    address     TEXT COLLATE nocase NOT NULL,
    created_at  BIGINT NOT NULL,
    number      BIGINT NOT NULL DEFAULT 0,
    updated_at  BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, host, address)
);
CREATE UNIQUE INDEX hosts_by_number ON hosts (tenant_id, number);

-- Further names of hosts: registered addresses that are names, of one host alone, and not a registered host's own name. Made anew from
-- `hosts` whenever that changes (`storage/hosts.rs`).
CREATE TABLE host_aliases (
    tenant_id  TEXT COLLATE "C"    NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    alias      TEXT COLLATE nocase NOT NULL,
    host       TEXT COLLATE nocase NOT NULL,
    PRIMARY KEY (tenant_id, alias)
);
CREATE INDEX host_aliases_by_host ON host_aliases (tenant_id, host);

-- Which tenant answers a host that asks without naming a tenant: the first that registered the name, or linked an account on it. Otherwise
-- a tenant could let its own keys into another tenant's host by using the same name. Spellings that differ by case only may be of
-- different tenants: the exact one is asked first.
CREATE TABLE host_names (
    host       TEXT COLLATE "binary" NOT NULL PRIMARY KEY,    -- not "C": statements ask for the exact spelling by that name
    tenant_id  TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    since      BIGINT NOT NULL
);
CREATE INDEX host_names_by_name ON host_names (host COLLATE nocase, since);

-- What a host authenticates with.
CREATE TABLE host_credentials (
    tenant_id         TEXT COLLATE "C"    NOT NULL REFERENCES tenants (id),
    host              TEXT COLLATE nocase NOT NULL,
    secret_hash       BYTEA   NOT NULL UNIQUE,
    old_secret_hash   BYTEA   UNIQUE,
    old_secret_until  BIGINT,
    required          BOOLEAN NOT NULL,
    created_at        BIGINT  NOT NULL,
    updated_at        BIGINT  NOT NULL,
    PRIMARY KEY (tenant_id, host)
);

-- When a host last asked for a key; not more exact than a minute. With or without such a host on record.
CREATE TABLE host_questions (
    tenant_id     TEXT COLLATE "C"    NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    host          TEXT COLLATE nocase NOT NULL,
    asked_at      BIGINT NOT NULL,
    from_address  TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, host)
);

CREATE TABLE host_accounts (
    tenant_id       TEXT COLLATE "C"    NOT NULL,
    id              TEXT COLLATE "C"    NOT NULL,
    user_id         TEXT COLLATE "C"    NOT NULL,
    host            TEXT COLLATE nocase NOT NULL,
    account         TEXT COLLATE "C"    NOT NULL,
    linked_at       BIGINT NOT NULL,
    expires_at      BIGINT NOT NULL,
    number          BIGINT NOT NULL DEFAULT 0,
    updated_at      BIGINT NOT NULL DEFAULT 0,
    linked_by       TEXT COLLATE "C"    NOT NULL DEFAULT 'admin' CHECK (linked_by IN ('admin', 'mvp', 'person')),
    linked_through  TEXT COLLATE "C",    -- what people called the provider it was linked through; NULL: linked in another way
    PRIMARY KEY (tenant_id, id),
    UNIQUE (tenant_id, user_id, host, account),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id)
);
CREATE UNIQUE INDEX host_accounts_by_number ON host_accounts (tenant_id, number);
-- Is this account another person's?
CREATE INDEX host_accounts_by_place ON host_accounts (tenant_id, host, account);

-- An account asks, with its host's credential; the person who types the code decides. One row an account: asking again takes the place of
-- what was asked before. Both secrets are stored as HMACs under a key that is not in the database.
--
--   [ waiting ]  nothing decided; claimed_* say which browser session typed the code, and as whom
--   [ linked ]   person, link_until are set
--   [ refused ]  "not me"
CREATE TABLE link_requests (
    tenant_id        TEXT COLLATE "C"    NOT NULL,
    host             TEXT COLLATE nocase NOT NULL,
    account          TEXT COLLATE "C"    NOT NULL,
    id               TEXT COLLATE "C"    NOT NULL,
    uid              BIGINT NOT NULL,
    secret_hash      BYTEA  NOT NULL UNIQUE,
    user_code_hash   BYTEA  NOT NULL UNIQUE,
    asked_at         BIGINT NOT NULL,
    expires_at       BIGINT NOT NULL,
    claimed_person   TEXT COLLATE "C",
    state            TEXT COLLATE "C"    NOT NULL CHECK (state IN ('waiting', 'linked', 'refused')),
    person           TEXT COLLATE "C",
    link_until       BIGINT,
    -- As in `device_grants`.
    claimed_session  TEXT COLLATE "C",
    claimed_code     BYTEA,
    PRIMARY KEY (tenant_id, host, account),
    UNIQUE (tenant_id, id),
    -- A host whose credential is taken away asks for nothing any more.
    FOREIGN KEY (tenant_id, host) REFERENCES host_credentials (tenant_id, host) ON DELETE CASCADE,
    CHECK (state <> 'linked' OR (person IS NOT NULL AND link_until IS NOT NULL))
);
CREATE INDEX link_requests_by_expiry ON link_requests (expires_at);
-- What waits for a person's answer.
CREATE INDEX link_requests_claimed ON link_requests (tenant_id, claimed_person) WHERE state = 'waiting';

-- One run of RFC 8628. Both codes are stored as HMACs under a key that is not in the database.
--
--   [ pending ]    nothing decided; claimed_* say which browser session typed the code
--   [ approved ]   decided_at, person, granted_scope, access_until are set
--   [ redeemed ]   as approved, and redeemed_at, token_id
--   [ denied ]     decided_at is set; reported: "I did not start this"
--   [ withdrawn ]  taken back; decided_at is set
--   [ lapsed ]     approved, and the token was not fetched; decided_at is set
CREATE TABLE device_grants (
    tenant_id         TEXT COLLATE "C" NOT NULL,
    id                TEXT COLLATE "C" NOT NULL,
    client_id         TEXT COLLATE "C" NOT NULL,
    device_code_hash  BYTEA   NOT NULL UNIQUE,
    user_code_hash    BYTEA   NOT NULL UNIQUE,
    scope             TEXT COLLATE "C" NOT NULL,
    requested_at      BIGINT  NOT NULL,
    requested_from    TEXT COLLATE "C",
    requested_agent   TEXT COLLATE "C" NOT NULL,
    expires_at        BIGINT  NOT NULL,
    claimed_person    TEXT COLLATE "C",
    state             TEXT COLLATE "C" NOT NULL CHECK (state IN ('pending', 'approved', 'denied', 'redeemed', 'withdrawn', 'lapsed')),
    decided_at        BIGINT,
    person            TEXT COLLATE "C",
    granted_scope     TEXT COLLATE "C",
    access_until      BIGINT,
    reported          BOOLEAN NOT NULL DEFAULT false,
    redeemed_at       BIGINT,
    redeemed_from     TEXT COLLATE "C",
    token_id          TEXT COLLATE "C",
    -- When and from where its token was used last; not more exact than a minute.
    last_used_at      BIGINT,
    -- A claim on a user code names the browser session that made it, and counts as long as that session lives. The code is kept with it,
    -- sealed under a key that is not in the database, so that its person can be shown it again.
    claimed_session   TEXT COLLATE "C",
    claimed_code      BYTEA,
    last_used_from    TEXT COLLATE "C",
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id),
    CHECK (state = 'pending' OR decided_at IS NOT NULL),
    CHECK (state NOT IN ('approved', 'redeemed') OR (person IS NOT NULL AND granted_scope IS NOT NULL AND access_until IS NOT NULL)),
    CHECK (state <> 'redeemed' OR (redeemed_at IS NOT NULL AND token_id IS NOT NULL))
);
CREATE INDEX device_grants_by_expiry ON device_grants (expires_at);
CREATE UNIQUE INDEX device_grants_by_token ON device_grants (tenant_id, token_id) WHERE token_id IS NOT NULL;
CREATE INDEX device_grants_by_person ON device_grants (tenant_id, person) WHERE person IS NOT NULL;
CREATE INDEX device_grants_approved ON device_grants (expires_at) WHERE state = 'approved';
-- What waits for a person's answer.
CREATE INDEX device_grants_claimed ON device_grants (tenant_id, claimed_person) WHERE state = 'pending';

-- A person's permission for a client. One row per consent: withdrawing one takes back that one only.
CREATE TABLE delegations (
    tenant_id           TEXT COLLATE "C" NOT NULL,
    id                  TEXT COLLATE "C" NOT NULL,
    client_id           TEXT COLLATE "C" NOT NULL,
    user_id             TEXT COLLATE "C" NOT NULL,
    device_grant_id     TEXT COLLATE "C",     -- NULL: set up by the tenant's admin
    scope               TEXT COLLATE "C" NOT NULL,
    every_host_account  BOOLEAN NOT NULL,
    created_at          BIGINT  NOT NULL,
    expires_at          BIGINT  NOT NULL,
    ended_at            BIGINT,
    number              BIGINT  NOT NULL DEFAULT 0,
    updated_at          BIGINT  NOT NULL DEFAULT 0,
    made_by             TEXT COLLATE "C" NOT NULL DEFAULT 'person' CHECK (made_by IN ('admin', 'mvp', 'person')),
    PRIMARY KEY (tenant_id, id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id),
    FOREIGN KEY (tenant_id, device_grant_id) REFERENCES device_grants (tenant_id, id)
);
CREATE UNIQUE INDEX delegations_by_consent ON delegations (tenant_id, client_id, user_id, coalesce(device_grant_id, ''));
CREATE INDEX delegations_by_grant ON delegations (tenant_id, device_grant_id);
CREATE UNIQUE INDEX delegations_by_number ON delegations (tenant_id, number);
-- A person's delegations by application.
CREATE INDEX delegations_by_person ON delegations (tenant_id, user_id, client_id, number);

CREATE TABLE delegation_host_accounts (
    tenant_id        TEXT COLLATE "C" NOT NULL,
    delegation_id    TEXT COLLATE "C" NOT NULL,
    host_account_id  TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, delegation_id, host_account_id),
    FOREIGN KEY (tenant_id, delegation_id) REFERENCES delegations (tenant_id, id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, host_account_id) REFERENCES host_accounts (tenant_id, id) ON DELETE CASCADE
);

-- Public halves of SSH keys; no private half is ever stored. Keyed by number because sshd asks without a tenant.
CREATE TABLE pubkeys (
    number               BIGINT NOT NULL GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    tenant_id            TEXT COLLATE "C"    NOT NULL REFERENCES tenants (id),
    client_id            TEXT COLLATE "C",     -- NULL: the person's own, made by no client
    user_id              TEXT COLLATE "C"    NOT NULL,
    host                 TEXT COLLATE nocase NOT NULL,
    account              TEXT COLLATE "C"    NOT NULL,
    device_grant_id      TEXT COLLATE "C",     -- set: made with a device's token, and ends with that device
    fingerprint          TEXT COLLATE "C"    NOT NULL,
    public_key           TEXT COLLATE "C"    NOT NULL,
    key_type             TEXT COLLATE "C"    NOT NULL,
    key_bits             BIGINT NOT NULL,
    max_uses             BIGINT NOT NULL CHECK (max_uses >= 0),
    uses                 BIGINT NOT NULL DEFAULT 0 CHECK (uses >= 0),
    remaining_uses       BIGINT NOT NULL GENERATED ALWAYS AS (greatest(max_uses - uses, 0)) STORED,
    initial_ttl_minutes  BIGINT NOT NULL CHECK (initial_ttl_minutes >= 0),
    expires_at           BIGINT NOT NULL,
    last_used_at         BIGINT,               -- when the last login that was counted began
    created_at           BIGINT NOT NULL,
    updated_at           BIGINT NOT NULL,
    -- What the person calls the key; the comment of one they brought themselves.
    label                TEXT COLLATE "C"    NOT NULL DEFAULT '',
    label_folded         TEXT COLLATE "C",
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id, host, account) REFERENCES host_accounts (tenant_id, user_id, host, account) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, device_grant_id) REFERENCES device_grants (tenant_id, id) ON DELETE CASCADE
);
-- A public key is no secret: registering it first takes it from no other party. Each party (person, client, device) has a registration of
-- its own, with its own end and uses.
CREATE UNIQUE INDEX pubkeys_by_registration
    ON pubkeys (fingerprint, host, tenant_id, account, user_id, coalesce(client_id, ''), coalesce(device_grant_id, ''));
CREATE INDEX pubkeys_by_person ON pubkeys (tenant_id, user_id, host, account);
CREATE INDEX pubkeys_by_tenant ON pubkeys (tenant_id);
CREATE INDEX pubkeys_by_client ON pubkeys (tenant_id, client_id);
CREATE INDEX pubkeys_by_grant ON pubkeys (tenant_id, device_grant_id) WHERE device_grant_id IS NOT NULL;
CREATE INDEX pubkeys_of_person ON pubkeys (tenant_id, user_id, number);
-- A person's keys are shown in groups by the client that created them, with the newest ones of each.
CREATE INDEX pubkeys_of_person_by_client ON pubkeys (tenant_id, user_id, client_id);
CREATE INDEX pubkeys_that_end ON pubkeys (expires_at) WHERE expires_at < 253402300799000;

-- Leases that keep a key valid beyond its end. Depth two: a child points to its parent, a parent to itself.
CREATE TABLE reservations (
    tenant_id     TEXT COLLATE "C" NOT NULL,
    resid         TEXT COLLATE "C" NOT NULL,
    number        BIGINT NOT NULL UNIQUE,
    parent_resid  TEXT COLLATE "C" NOT NULL,
    client_id     TEXT COLLATE "C" NOT NULL,
    pubkey        BIGINT NOT NULL REFERENCES pubkeys (number) ON DELETE CASCADE,
    expires_at    BIGINT NOT NULL,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, resid),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE
);
CREATE INDEX reservations_by_pubkey ON reservations (pubkey, expires_at);
CREATE INDEX reservations_by_expiry ON reservations (expires_at);
CREATE INDEX reservations_by_parent ON reservations (tenant_id, parent_resid);

-- Key lookups that were refused, with the reason that hosts are not told; kept for 30 days and bounded per host and tenant
-- (`storage/refused_lookups.rs`). One row per key, account, host and reason. Written in the background, at most once a minute per row.
CREATE TABLE refused_lookups (
    number        BIGINT NOT NULL PRIMARY KEY,
    tenant_id     TEXT COLLATE "C" NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    host          TEXT COLLATE "C" NOT NULL,    -- by its stored name
    account       TEXT COLLATE "C" NOT NULL,
    fingerprint   TEXT COLLATE "C" NOT NULL,
    reason        TEXT COLLATE "C" NOT NULL,
    key_known     BOOLEAN NOT NULL,             -- false: anyone can cause it, with any key
    user_id       TEXT COLLATE "C",             -- the key's owner, or the only person to whom the account is linked
    client_id     TEXT COLLATE "C",
    from_address  TEXT COLLATE "C",
    first_at      BIGINT NOT NULL,
    last_at       BIGINT NOT NULL,
    times         BIGINT NOT NULL CHECK (times > 0)
);
CREATE UNIQUE INDEX refused_lookups_by_login ON refused_lookups (tenant_id, host, account, fingerprint, reason, coalesce(user_id, ''));
CREATE INDEX refused_lookups_by_host ON refused_lookups (tenant_id, host, key_known, last_at);
CREATE INDEX refused_lookups_by_tenant ON refused_lookups (tenant_id, key_known, last_at);
CREATE INDEX refused_lookups_of_person ON refused_lookups (tenant_id, user_id, last_at);
CREATE INDEX refused_lookups_by_age ON refused_lookups (last_at);

-- The audit log.
CREATE TABLE activity (
    tenant_id        TEXT COLLATE "C" NOT NULL REFERENCES tenants (id),
    id               BIGINT NOT NULL GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    at               BIGINT NOT NULL,
    kind             TEXT COLLATE "C" NOT NULL,
    user_id          TEXT COLLATE "C",
    client_id        TEXT COLLATE "C",
    device_grant_id  TEXT COLLATE "C",
    from_address     TEXT COLLATE "C",
    -- The actor, where it was not the person; and what the event is about.
    admin_id         TEXT COLLATE "C",
    subject          TEXT COLLATE "C",
    subject_folded   TEXT COLLATE "C",
    -- The account on a host that an event of a key, a link or a host is about. NULL in other events, and in those older than the columns.
    host             TEXT COLLATE "C",
    account          TEXT COLLATE "C"
);
-- Events are listed by their time, because lists are divided into days and limited to dates; exports are read by number.
CREATE INDEX activity_by_tenant ON activity (tenant_id, id);
CREATE INDEX activity_by_time ON activity (tenant_id, at, id);
CREATE INDEX activity_of_person_by_time ON activity (tenant_id, user_id, at, id);
-- The administrators' overview counts sign-ins and refused ones by the hour, beside any number of other events.
CREATE INDEX activity_of_sign_in ON activity (tenant_id, at) WHERE kind IN ('signed_in', 'sign_in_failed', 'second_factor_failed');
CREATE INDEX activity_of_reports ON activity (tenant_id, at) WHERE kind IN ('device_reported', 'host_link_refused');

-- What people are to look at: shown on the home page until dismissed. At most 50 of a person, for 90 days.
CREATE TABLE notifications (
    id            BIGINT NOT NULL GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    tenant_id     TEXT COLLATE "C" NOT NULL,
    user_id       TEXT COLLATE "C" NOT NULL,
    kind          TEXT COLLATE "C" NOT NULL,
    at            BIGINT NOT NULL,
    client_id     TEXT COLLATE "C",
    subject       TEXT COLLATE "C",
    from_address  TEXT COLLATE "C",
    dismissed_at  BIGINT,
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX notifications_by_person ON notifications (tenant_id, user_id, kind, client_id);
CREATE INDEX notifications_by_age ON notifications (at);

-- Networks (/24, /48) from which people signed in within 90 days, and each person's last one.
CREATE TABLE sign_in_networks (
    tenant_id     TEXT COLLATE "C" NOT NULL,
    user_id       TEXT COLLATE "C" NOT NULL,
    network       TEXT COLLATE "C" NOT NULL,
    last_seen_at  BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, network),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
);
CREATE INDEX sign_in_networks_by_age ON sign_in_networks (last_seen_at);

-- Notifications that wait to be sent by e-mail; deleted once sent or dropped. `due_at`: the next attempt; during an attempt, when
-- another one may begin.
CREATE TABLE mail_outbox (
    notification_id  BIGINT NOT NULL PRIMARY KEY REFERENCES notifications (id) ON DELETE CASCADE,
    tenant_id        TEXT COLLATE "C" NOT NULL,
    user_id          TEXT COLLATE "C" NOT NULL,
    created_at       BIGINT NOT NULL,
    due_at           BIGINT NOT NULL,
    attempts         BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX mail_outbox_by_due ON mail_outbox (due_at);
CREATE INDEX mail_outbox_by_person ON mail_outbox (tenant_id, user_id);

-- One row: whether the server sends e-mail. Set at its start, and read by every program that writes notifications.
CREATE TABLE mail_settings (
    id       BIGINT  NOT NULL PRIMARY KEY CHECK (id = 1),
    enabled  BOOLEAN NOT NULL
);
INSERT INTO mail_settings (id, enabled) VALUES (1, false);

-- A browser's session. The cookie's value is stored as a hash; the data are sealed under that value, so the database opens none.
-- Not keyed by tenant: it exists before its person signs in.
CREATE TABLE browser_sessions (
    id_hash       BYTEA  NOT NULL PRIMARY KEY,
    public_id     TEXT COLLATE "C" NOT NULL,
    sealed        BYTEA  NOT NULL,
    tenant_id     TEXT COLLATE "C",
    user_id       TEXT COLLATE "C",
    signed_in_at  BIGINT,
    last_seen_at  BIGINT NOT NULL,
    from_address  TEXT COLLATE "C",
    agent         TEXT COLLATE "C" NOT NULL,
    expires_at    BIGINT NOT NULL,
    -- The institution's session that it rests on, so that it can end this one (OpenID Connect Back-Channel Logout 1.0).
    idp_issuer    TEXT COLLATE "C",
    idp_subject   TEXT COLLATE "C",
    idp_sid       TEXT COLLATE "C",
    -- The provider through which it was signed in. NULL: with the local password, or before this column was added.
    provider_id   TEXT COLLATE "C",
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id)
);
CREATE INDEX browser_sessions_by_person ON browser_sessions (tenant_id, user_id);
CREATE INDEX browser_sessions_by_expiry ON browser_sessions (expires_at);
CREATE INDEX browser_sessions_by_institution ON browser_sessions (tenant_id, idp_issuer, idp_subject) WHERE idp_issuer IS NOT NULL;
CREATE INDEX browser_sessions_by_public_id ON browser_sessions (public_id);

-- Wrong guesses at codes and passwords. Not keyed by tenant: a guess may come before it is known whose it is.
CREATE TABLE attempts (
    key  TEXT COLLATE "C" NOT NULL,
    at   BIGINT NOT NULL
);
CREATE INDEX attempts_by_key ON attempts (key, at);
CREATE INDEX attempts_by_time ON attempts (at);

-- What came of a form, for a second submission of the same one: the page it led to, with what that page says once (a new
-- secret, for example), sealed. NULL while the first submission is being handled. Kept for a minute.
CREATE TABLE form_results (
    id          BYTEA  NOT NULL PRIMARY KEY,    -- a hash of account, action, one-time key and fields
    result      BYTEA,
    created_at  BIGINT NOT NULL
);
CREATE INDEX form_results_by_age ON form_results (created_at);
