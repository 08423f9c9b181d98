-- Lifetime of access tokens that come with a refresh token, and the time without a refresh after which a program has to sign in again.
ALTER TABLE tenants ADD COLUMN access_token_lifetime_ms INTEGER NOT NULL DEFAULT 3600000 CHECK (access_token_lifetime_ms > 0);
ALTER TABLE tenants ADD COLUMN refresh_idle_ms INTEGER NOT NULL DEFAULT 1209600000 CHECK (refresh_idle_ms > 0);

-- The mark (`keystore/hashing.rs`) of the key with which the refresh token that was presented last was computed; of the first one, before that.
-- NULL: the family has no refresh token.
ALTER TABLE token_families ADD COLUMN key_mark BLOB;
-- The cleanup reads from this index which ones were not refreshed in time.
CREATE INDEX token_families_by_idle ON token_families (idle_until) WHERE idle_until IS NOT NULL AND ended_at IS NULL;

-- The command `tms` may ask for refresh tokens, as in new tenants.
UPDATE clients SET scope = scope || ' offline_access' WHERE client_id = 'tms-cli' AND scope <> '' AND scope NOT LIKE '%offline_access%';
