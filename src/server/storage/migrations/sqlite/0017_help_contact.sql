-- Where a tenant's people ask for help: an e-mail address, an https URL, a telephone number or a text of at most 200 characters.
ALTER TABLE tenants ADD COLUMN help_contact TEXT;
