-- What waits for the maintenance window, in the words of model/parked.h. Members have what their group has.
--   want  (parked)   written by ops

ALTER TABLE cache_cluster ADD COLUMN parked TEXT NOT NULL DEFAULT '';
ALTER TABLE replication_group ADD COLUMN parked TEXT NOT NULL DEFAULT '';

CREATE INDEX cache_cluster_parked ON cache_cluster (id) WHERE parked <> '';
CREATE INDEX replication_group_parked ON replication_group (id) WHERE parked <> '';

DROP VIEW replication_group_view;
CREATE VIEW replication_group_view AS
SELECT r.*, coalesce(u.name, '') AS user_group, coalesce(a.token_digests, '') AS token_digests,
       coalesce(a.token_modified_ms, 0) AS token_modified_ms,
       max(coalesce(a.revision, 0), coalesce(u.revision, 0)) AS access_revision,
       coalesce(s.name, '') AS owner_name
FROM replication_group r
LEFT JOIN cache_access a ON a.replication_group_id = r.id
LEFT JOIN user_group u ON u.id = a.user_group_id
LEFT JOIN serverless_cache s ON s.id = r.owner_id;
