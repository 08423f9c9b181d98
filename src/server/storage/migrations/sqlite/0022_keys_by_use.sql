-- A person's pages state figures about their keys, by client, host and device, and the keys used last: all of it is read from this index.
CREATE INDEX pubkeys_of_person_by_use
    ON pubkeys (tenant_id, user_id, client_id, last_used_at, number, created_at, expires_at, max_uses, uses, device_grant_id, host);
DROP INDEX pubkeys_of_person_by_client;

-- The home page states a person's last sign-ins.
CREATE INDEX activity_of_person_sign_ins ON activity (tenant_id, user_id, at, id) WHERE kind = 'signed_in';

-- The administrators' audit log by who acted.
CREATE INDEX activity_of_admin ON activity (tenant_id, admin_id, at, id) WHERE admin_id IS NOT NULL;
