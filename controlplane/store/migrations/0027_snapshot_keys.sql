-- Under which keys snapshots' files are sealed: 64 hexadecimal digits, of each file its own; '' where a file is plain, as all
-- were before.
ALTER TABLE snapshot_file ADD COLUMN data_key TEXT NOT NULL DEFAULT '';
ALTER TABLE snapshot_file ADD COLUMN kms_key TEXT NOT NULL DEFAULT ''; -- of the snapshot that it was written for
ALTER TABLE snapshot ADD COLUMN kms_key TEXT NOT NULL DEFAULT '';      -- as users named it
ALTER TABLE snapshot ADD COLUMN vpc_id TEXT NOT NULL DEFAULT '';       -- of the source
