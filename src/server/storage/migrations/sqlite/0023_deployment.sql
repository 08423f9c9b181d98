-- Numbers for what forms and lists name by number: SQLite may give the `rowid` of a deleted row again, and PostgreSQL has none.
ALTER TABLE people ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
UPDATE people SET number = rowid;
CREATE UNIQUE INDEX people_by_number ON people (tenant_id, number);
ALTER TABLE identities ADD COLUMN number INTEGER NOT NULL DEFAULT 0;
UPDATE identities SET number = rowid;
CREATE UNIQUE INDEX identities_by_number ON identities (tenant_id, number);
INSERT INTO numbers (name, last)
    SELECT 'people', coalesce(max(number), 0) FROM people UNION ALL SELECT 'identities', coalesce(max(number), 0) FROM identities;

-- What all portals of a deployment must agree on: the fingerprints of the key files (`key:NAME`).
CREATE TABLE deployment (
    name   TEXT NOT NULL PRIMARY KEY,
    value  TEXT NOT NULL
) STRICT;

-- When each periodic task last began, so that one portal at a time runs it.
CREATE TABLE periodic_tasks (
    name      TEXT    NOT NULL PRIMARY KEY,
    begun_at  INTEGER NOT NULL
) STRICT;
INSERT INTO periodic_tasks (name, begun_at) VALUES ('cleanup', 0);
