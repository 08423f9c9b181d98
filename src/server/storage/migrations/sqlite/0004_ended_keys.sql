-- Keys that have ended are forgotten after a while (`service::housekeeping`); those that never end need not be looked through.
CREATE INDEX pubkeys_that_end ON pubkeys (expires_at) WHERE expires_at < 253402300799000;
