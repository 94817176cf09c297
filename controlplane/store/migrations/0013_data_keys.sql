-- Under which keys a group's nodes write to their disks.

-- 64 hexadecimal digits; '' where files are plain
ALTER TABLE replication_group ADD COLUMN data_key TEXT NOT NULL DEFAULT '';
ALTER TABLE replication_group ADD COLUMN kms_key  TEXT NOT NULL DEFAULT '';
-- what was made before there were keys is given one, too
UPDATE replication_group SET data_key = lower(hex(randomblob(32))) WHERE is_encrypted_at_rest;
