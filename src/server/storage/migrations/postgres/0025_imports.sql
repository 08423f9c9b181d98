-- Secrets of clients and administrators that came from a TMS server, which kept their SHA-512: the HMAC of those 128 hexadecimal digits.
-- Valid until the time beside it. After its first use the secret is stored as all others, and both columns are NULL. A `secret_hash` of no
-- bytes, which no secret has: there is no other secret yet.
ALTER TABLE clients ADD COLUMN imported_secret_hash BYTEA;
ALTER TABLE clients ADD COLUMN imported_secret_until BIGINT;
ALTER TABLE tenant_admins ADD COLUMN imported_secret_hash BYTEA;
ALTER TABLE tenant_admins ADD COLUMN imported_secret_until BIGINT;
-- What an administrator's imported secret is stored as after its first use. The next import ends it, in each column that has it.
ALTER TABLE tenant_admins ADD COLUMN converted_secret_hash BYTEA;

-- What was imported into each tenant: the SHA-256 of the file, when, and how many rows.
CREATE TABLE imports (
    tenant_id      TEXT COLLATE "C" NOT NULL PRIMARY KEY REFERENCES tenants (id),
    source_sha256  TEXT COLLATE "C" NOT NULL,
    at             BIGINT NOT NULL,
    imported_rows  BIGINT NOT NULL
);
