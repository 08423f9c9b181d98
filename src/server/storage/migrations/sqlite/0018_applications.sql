-- What tells a person's devices and sessions apart.

-- The address from which a device's token was used last; written with the time, at most once a minute.
ALTER TABLE device_grants ADD COLUMN last_used_from TEXT;

-- The provider through which a session was signed in. NULL: with the local password, or before this column was added.
ALTER TABLE browser_sessions ADD COLUMN provider_id TEXT;

-- A person's delegations by application.
CREATE INDEX delegations_by_person ON delegations (tenant_id, user_id, client_id, number);
