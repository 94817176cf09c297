-- Replication groups with what is said of who may enter them.
CREATE VIEW replication_group_view AS
SELECT r.*, coalesce(u.name, '') AS user_group, coalesce(a.token_digests, '') AS token_digests,
       coalesce(a.token_modified_ms, 0) AS token_modified_ms,
       max(coalesce(a.revision, 0), coalesce(u.revision, 0)) AS access_revision
FROM replication_group r
LEFT JOIN cache_access a ON a.replication_group_id = r.id
LEFT JOIN user_group u ON u.id = a.user_group_id;
