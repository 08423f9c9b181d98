-- What ID tokens say about a sign-in (OpenID Connect Core §2): when the person had presented the first and the second factor in the browser
-- session `session_id`, which is that of every family of the authorization code flow. NULL: device flow.
ALTER TABLE token_families ADD COLUMN authenticated_at INTEGER;
ALTER TABLE token_families ADD COLUMN second_factor_at INTEGER;

-- The account on the client's host (`clients.username_of_host`) whose name the client is told; NULL: the client had no host.
ALTER TABLE authorization_codes ADD COLUMN username_account_id TEXT;
ALTER TABLE token_families ADD COLUMN username_account_id TEXT;

-- With it, people's verified e-mail address is their user name at this domain.
ALTER TABLE tenants ADD COLUMN email_domain TEXT;

-- The groups that people are in, which clients are told.
CREATE TABLE person_groups (
    tenant_id  TEXT NOT NULL,
    user_id    TEXT NOT NULL,
    -- The issuer whose claim says so; empty: an administrator added them.
    issuer     TEXT NOT NULL,
    name       TEXT NOT NULL,
    PRIMARY KEY (tenant_id, user_id, issuer, name),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
) STRICT;
-- Which values of a claim put people into which groups: a JSON object with `claim` and `groups`.
ALTER TABLE identity_providers ADD COLUMN group_claim TEXT;
