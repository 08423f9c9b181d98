-- Resource servers besides the TMS API, for which access tokens can be issued (RFC 8707). Authorizations and token families name them in their
-- column `resources`: empty, or a JSON array of objects with `resource` and `scope`.
CREATE TABLE resource_servers (
    tenant_id    TEXT    NOT NULL REFERENCES tenants (id) ON DELETE CASCADE,
    -- An absolute URI, unique in the deployment: it is the audience of access tokens of all tenants.
    indicator    TEXT    NOT NULL UNIQUE,
    name         TEXT    NOT NULL,
    -- Whether every client of the tenant may request access; otherwise those in `resource_requesters` may.
    all_clients  INTEGER NOT NULL DEFAULT 0 CHECK (all_clients IN (0, 1)),
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, indicator)
) STRICT;

-- What can be requested for a resource server, and what the consent page says about it.
CREATE TABLE resource_scopes (
    tenant_id       TEXT NOT NULL,
    indicator       TEXT NOT NULL,
    scope           TEXT NOT NULL,
    description_en  TEXT NOT NULL,
    description_es  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, indicator, scope),
    FOREIGN KEY (tenant_id, indicator) REFERENCES resource_servers (tenant_id, indicator) ON DELETE CASCADE
) STRICT;

-- The clients that may ask people for access to a resource server.
CREATE TABLE resource_requesters (
    tenant_id  TEXT NOT NULL,
    indicator  TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, indicator, client_id),
    FOREIGN KEY (tenant_id, indicator) REFERENCES resource_servers (tenant_id, indicator) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX resource_requesters_by_client ON resource_requesters (tenant_id, client_id);

-- The clients that may ask whether a token for a resource server is valid (RFC 7662): those of the resource server itself.
CREATE TABLE resource_readers (
    tenant_id  TEXT NOT NULL,
    indicator  TEXT NOT NULL,
    client_id  TEXT NOT NULL,
    PRIMARY KEY (tenant_id, indicator, client_id),
    FOREIGN KEY (tenant_id, indicator) REFERENCES resource_servers (tenant_id, indicator) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX resource_readers_by_client ON resource_readers (tenant_id, client_id);

-- What a device asks for besides the TMS API, and what a code gives; as in `authorizations`.
ALTER TABLE device_grants ADD COLUMN resources TEXT NOT NULL DEFAULT '';
ALTER TABLE authorization_codes ADD COLUMN resources TEXT NOT NULL DEFAULT '';
