-- Sign-outs (OpenID Connect Back-Channel Logout 1.0). Whether the client of a sign-in was told that its browser session has ended.
ALTER TABLE token_families ADD COLUMN client_told INTEGER NOT NULL DEFAULT 0 CHECK (client_told IN (0, 1));

-- Logout tokens that wait to be sent: to which client, about whom, and the browser session that has ended. Deleted once sent or given up.
-- `due_at`: the next attempt; during an attempt, when another one may begin.
CREATE TABLE logout_notices (
    tenant_id   TEXT    NOT NULL,
    client_id   TEXT    NOT NULL,
    session_id  TEXT    NOT NULL,
    user_id     TEXT    NOT NULL,
    created_at  INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    attempts    INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant_id, client_id, session_id, user_id),
    FOREIGN KEY (tenant_id, client_id) REFERENCES clients (tenant_id, client_id) ON DELETE CASCADE,
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX logout_notices_by_due ON logout_notices (due_at);
CREATE INDEX logout_notices_by_person ON logout_notices (tenant_id, user_id);
