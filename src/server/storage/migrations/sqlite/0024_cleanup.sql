-- The cleanup reads from this index which grants have ended: code and access.
CREATE INDEX device_grants_by_end ON device_grants (coalesce(access_until, 0), expires_at, tenant_id, id);
