-- Providers that administrators add in the portal are not on the portal's own network; the operator's may be anywhere. Those that
-- are there by now are the operator's.
ALTER TABLE identity_providers ADD COLUMN anywhere INTEGER NOT NULL DEFAULT 1 CHECK (anywhere IN (0, 1));
