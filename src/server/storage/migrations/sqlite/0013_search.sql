-- What lists are searched in, where a text is more than ASCII: in compatibility form and case-folded (`domain/folding.rs`), written by the
-- application. NULL: the text is ASCII, and LIKE folds it by itself. Rows that are there already are folded when the portal starts.
ALTER TABLE people ADD COLUMN display_name_folded TEXT;
ALTER TABLE clients ADD COLUMN app_name_folded TEXT;
ALTER TABLE pubkeys ADD COLUMN label_folded TEXT;
ALTER TABLE activity ADD COLUMN subject_folded TEXT;
