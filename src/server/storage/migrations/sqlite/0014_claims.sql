-- A claim on a user code names the browser session that made it, and counts as long as that session lives. The code is kept with
-- it, sealed under a key that is not in this file, so that its person can be shown it again. Codes that are being answered while
-- this runs have to be entered once more.
ALTER TABLE device_grants DROP COLUMN claimed_session;
ALTER TABLE device_grants ADD COLUMN claimed_session TEXT;
ALTER TABLE device_grants ADD COLUMN claimed_code BLOB;
ALTER TABLE link_requests DROP COLUMN claimed_session;
ALTER TABLE link_requests ADD COLUMN claimed_session TEXT;
ALTER TABLE link_requests ADD COLUMN claimed_code BLOB;

CREATE INDEX browser_sessions_by_public_id ON browser_sessions (public_id);
-- What waits for a person's answer.
CREATE INDEX device_grants_claimed ON device_grants (tenant_id, claimed_person) WHERE state = 'pending';
CREATE INDEX link_requests_claimed ON link_requests (tenant_id, claimed_person) WHERE state = 'waiting';
