-- What came of a form, for a second submission of the same one: the page it led to, with what that page says once (a new
-- secret, for example), sealed. NULL while the first submission is being handled. Kept for a minute.
CREATE TABLE form_results (
    id         BLOB PRIMARY KEY NOT NULL, -- a hash of account, action, one-time key and fields
    result     BLOB,
    created_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX form_results_by_age ON form_results (created_at);
