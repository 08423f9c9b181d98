-- Numbers for what forms and lists name by number.
ALTER TABLE people ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX people_by_number ON people (tenant_id, number);
ALTER TABLE identities ADD COLUMN number BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX identities_by_number ON identities (tenant_id, number);
INSERT INTO numbers (name, last) VALUES ('people', 0), ('identities', 0);

-- What all portals of a deployment must agree on: the fingerprints of the key files (`key:NAME`).
CREATE TABLE deployment (
    name   TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    value  TEXT COLLATE "C" NOT NULL
);

-- When each periodic task last began, so that one portal at a time runs it.
CREATE TABLE periodic_tasks (
    name      TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    begun_at  BIGINT NOT NULL
);
INSERT INTO periodic_tasks (name, begun_at) VALUES ('cleanup', 0);
