-- The account on a host that an event of a key, a link or a host is about. NULL in other events, and in those written before this column.
ALTER TABLE activity ADD COLUMN host TEXT;
ALTER TABLE activity ADD COLUMN account TEXT;

-- Events are listed by their time, because lists are divided into days and limited to dates; exports are read by number.
CREATE INDEX activity_of_person_by_time ON activity (tenant_id, user_id, at, id);
CREATE INDEX activity_by_time ON activity (tenant_id, at, id);
DROP INDEX activity_of_person;
