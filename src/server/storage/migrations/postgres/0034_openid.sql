-- What ID tokens say about a sign-in (OpenID Connect Core §2): when the person had presented the first and the second factor in the browser
-- session `session_id`, which is that of every family of the authorization code flow. NULL: device flow.
ALTER TABLE token_families ADD COLUMN authenticated_at BIGINT;
ALTER TABLE token_families ADD COLUMN second_factor_at BIGINT;

-- The account on the client's host (`clients.username_of_host`) whose name the client is told; NULL: the client had no host.
ALTER TABLE authorization_codes ADD COLUMN username_account_id TEXT COLLATE "C";
ALTER TABLE token_families ADD COLUMN username_account_id TEXT COLLATE "C";

-- With it, people's verified e-mail address is their user name at this domain.
ALTER TABLE tenants ADD COLUMN email_domain TEXT COLLATE "C";

-- The groups that people are in, which clients are told.
CREATE TABLE person_groups (
    tenant_id  TEXT COLLATE "C" NOT NULL,
    user_id    TEXT COLLATE "C" NOT NULL,
    -- The issuer whose claim says so; empty: an administrator added them.
    issuer     TEXT COLLATE "C" NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (tenant_id, user_id, issuer, name),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
);
-- Which values of a claim put people into which groups: a JSON object with `claim` and `groups`.
ALTER TABLE identity_providers ADD COLUMN group_claim TEXT COLLATE "C";
