-- What people are to look at: shown on the home page until dismissed. At most 50 of a person, for 90 days.
CREATE TABLE notifications (
    id            INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT,
    tenant_id     TEXT    NOT NULL,
    user_id       TEXT    NOT NULL,
    kind          TEXT    NOT NULL,
    at            INTEGER NOT NULL,
    client_id     TEXT,
    subject       TEXT,
    from_address  TEXT,
    dismissed_at  INTEGER,
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX notifications_by_person ON notifications (tenant_id, user_id, kind, client_id);
CREATE INDEX notifications_by_age ON notifications (at);

-- Networks (/24, /48) from which people signed in within 90 days, and each person's last one.
CREATE TABLE sign_in_networks (
    tenant_id     TEXT    NOT NULL,
    user_id       TEXT    NOT NULL,
    network       TEXT    NOT NULL,
    last_seen_at  INTEGER NOT NULL,
    PRIMARY KEY (tenant_id, user_id, network),
    FOREIGN KEY (tenant_id, user_id) REFERENCES people (tenant_id, user_id) ON DELETE CASCADE
) STRICT;
CREATE INDEX sign_in_networks_by_age ON sign_in_networks (last_seen_at);
-- The IPv4 networks of earlier sign-ins, so that the next one is compared with them.
INSERT INTO sign_in_networks (tenant_id, user_id, network, last_seen_at)
    SELECT a.tenant_id, a.user_id, rtrim(a.from_address, '0123456789') || '0/24', max(a.at)
    FROM activity a
    JOIN people p ON p.tenant_id = a.tenant_id AND p.user_id = a.user_id
    WHERE a.kind = 'signed_in' AND a.from_address LIKE '%.%.%.%' AND a.from_address NOT LIKE '%:%'
    GROUP BY 1, 2, 3;

-- Notifications that wait to be sent by e-mail; deleted once sent or dropped. `due_at`: the next attempt; during an attempt, when
-- another one may begin.
CREATE TABLE mail_outbox (
    notification_id  INTEGER NOT NULL PRIMARY KEY REFERENCES notifications (id) ON DELETE CASCADE,
    tenant_id        TEXT    NOT NULL,
    user_id          TEXT    NOT NULL,
    created_at       INTEGER NOT NULL,
    due_at           INTEGER NOT NULL,
    attempts         INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX mail_outbox_by_due ON mail_outbox (due_at);
CREATE INDEX mail_outbox_by_person ON mail_outbox (tenant_id, user_id);

-- One row: whether the server sends e-mail. Set at its start, and read by every program that writes notifications.
CREATE TABLE mail_settings (
    id       INTEGER NOT NULL PRIMARY KEY CHECK (id = 1),
    enabled  INTEGER NOT NULL CHECK (enabled IN (0, 1))
) STRICT;
INSERT INTO mail_settings (id, enabled) VALUES (1, 0);

ALTER TABLE people ADD COLUMN email TEXT;
-- The issuer whose verified claim the address is; NULL: set by an administrator.
ALTER TABLE people ADD COLUMN email_issuer TEXT;
-- Whether e-mail is also sent about what applications do.
ALTER TABLE people ADD COLUMN optional_mail INTEGER NOT NULL DEFAULT 1 CHECK (optional_mail IN (0, 1));
-- The language that they last used; NULL: not known.
ALTER TABLE people ADD COLUMN language TEXT;
-- When the last e-mail was sent.
ALTER TABLE people ADD COLUMN mailed_at INTEGER NOT NULL DEFAULT 0;
