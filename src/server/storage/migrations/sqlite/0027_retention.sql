-- How long a tenant's audit events are kept, in days: all, and those of security-relevant kinds (`domain/audit_log/retention.rs`); 0: for
-- ever.
ALTER TABLE tenants ADD COLUMN keep_activity_days INTEGER NOT NULL DEFAULT 0 CHECK (keep_activity_days >= 0);
ALTER TABLE tenants ADD COLUMN keep_security_activity_days INTEGER NOT NULL DEFAULT 0 CHECK (keep_security_activity_days >= 0);
-- Only events that were archived are deleted.
ALTER TABLE tenants ADD COLUMN archive_first INTEGER NOT NULL DEFAULT 0 CHECK (archive_first IN (0, 1));
-- The number of the last event that was archived, and the highest number of one that was deleted because of its age.
ALTER TABLE tenants ADD COLUMN activity_archived_until INTEGER NOT NULL DEFAULT 0;
ALTER TABLE tenants ADD COLUMN activity_deleted_until INTEGER NOT NULL DEFAULT 0;

-- The highest number of an event of a tenant that was deleted.
INSERT INTO numbers (name, last) VALUES ('activity_of_deleted_tenants', 0);
INSERT INTO periodic_tasks (name, begun_at) VALUES ('retention', 0);
