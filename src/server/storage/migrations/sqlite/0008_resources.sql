-- Hosts that an identity provider owns: people link their accounts on them by signing in there.

-- JSON: the hosts, and where the provider lists them. NULL: it owns none.
ALTER TABLE identity_providers ADD COLUMN resources TEXT;
-- What people called the provider through which a person linked the account; NULL: linked in another way.
ALTER TABLE host_accounts ADD COLUMN linked_through TEXT;
