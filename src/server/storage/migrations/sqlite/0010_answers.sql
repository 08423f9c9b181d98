-- What a passkey answered last, as a hash: the same answer, sent twice at once, counts once.
ALTER TABLE passkeys ADD COLUMN last_asked BLOB;
