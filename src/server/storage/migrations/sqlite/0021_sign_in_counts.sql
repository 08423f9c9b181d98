-- The administrators' overview counts sign-ins and refused ones by the hour, beside any number of other events.
CREATE INDEX activity_of_sign_in ON activity (tenant_id, at) WHERE kind IN ('signed_in', 'sign_in_failed', 'second_factor_failed');
CREATE INDEX activity_of_reports ON activity (tenant_id, at) WHERE kind IN ('device_reported', 'host_link_refused');
