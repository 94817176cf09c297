-- The key of a serverless cache's snapshots, as users named it; what stands behind one of memcached has none of its own.
--   want  (serverless_cache.kms_key)   written by ops
ALTER TABLE serverless_cache ADD COLUMN kms_key TEXT NOT NULL DEFAULT '';
UPDATE serverless_cache SET kms_key = coalesce((SELECT g.kms_key FROM replication_group g WHERE g.owner_id = serverless_cache.id), '');
