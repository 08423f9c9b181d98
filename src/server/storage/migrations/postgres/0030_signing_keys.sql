-- Keys that sign tokens (`domain/signing_key.rs`). `key_sealed`: the private key, sealed under `secrets.key`; of a retired key only its public
-- half, sealed as well, so that a key which another program wrote to this table is not accepted.
CREATE TABLE signing_keys (
    kid           TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    algorithm     TEXT COLLATE "C" NOT NULL CHECK (algorithm IN ('RS256', 'ES256')),
    state         TEXT COLLATE "C" NOT NULL CHECK (state IN ('next', 'active', 'retired')),
    key_sealed    BYTEA  NOT NULL,
    created_at    BIGINT NOT NULL,
    activated_at  BIGINT,
    retired_at    BIGINT,
    remove_at     BIGINT,
    CHECK (state = 'next' OR activated_at IS NOT NULL),
    CHECK (state <> 'retired' OR (retired_at IS NOT NULL AND remove_at IS NOT NULL))
);
-- One key of an algorithm signs, and one is next.
CREATE UNIQUE INDEX signing_keys_current ON signing_keys (algorithm, state) WHERE state <> 'retired';

INSERT INTO periodic_tasks (name, begun_at) VALUES ('signing_keys', 0);
