-- Under which keys nodes write to their disks: 64 hexadecimal digits; '' where files are plain. Members have that of their
-- group, and keep it when they leave.
ALTER TABLE replication_group ADD COLUMN data_key TEXT NOT NULL DEFAULT '';
ALTER TABLE cache_cluster ADD COLUMN data_key TEXT NOT NULL DEFAULT '';
ALTER TABLE replication_group ADD COLUMN kms_key TEXT NOT NULL DEFAULT ''; -- as users named it
