-- A person's keys are shown in groups by the client that created them, with the newest ones of each.
CREATE INDEX pubkeys_of_person_by_client ON pubkeys (tenant_id, user_id, client_id);
