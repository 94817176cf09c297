-- Clusters and replication groups with what is said of who may enter them. Members have no row of their own in
-- cache_access: theirs is their group's.

DROP VIEW replication_group_view;
CREATE VIEW replication_group_view AS
SELECT r.*, coalesce(u.name, '') AS user_group, coalesce(a.token_digests, '') AS token_digests,
       coalesce(a.is_token_optional OR instr(a.token_digests, ',') > 0, 0) AS is_token_rotated,
       coalesce(a.token_modified_ms, 0) AS token_modified_ms,
       max(coalesce(a.revision, 0), coalesce(u.revision, 0)) AS access_revision,
       coalesce(s.name, '') AS owner_name
FROM replication_group r
LEFT JOIN cache_access a ON a.replication_group_id = r.id
LEFT JOIN user_group u ON u.id = a.user_group_id
LEFT JOIN serverless_cache s ON s.id = r.owner_id;

CREATE VIEW cache_cluster_view AS
SELECT c.*, coalesce(u.name, '') AS user_group, coalesce(a.token_digests, '') AS token_digests,
       coalesce(a.is_token_optional OR instr(a.token_digests, ',') > 0, 0) AS is_token_rotated,
       coalesce(a.token_modified_ms, 0) AS token_modified_ms,
       max(coalesce(a.revision, 0), coalesce(u.revision, 0)) AS access_revision
FROM cache_cluster c
LEFT JOIN cache_access a ON a.cluster_id = c.id
LEFT JOIN user_group u ON u.id = a.user_group_id;
