-- Serverless caches. What stands behind one is a replication group, or a cluster of memcached, that it owns: calls
-- for groups and clusters do not see those, everything else treats them as any.
--   want  (serverless_cache, owner_id, memory_least, memory_most, work_most)   written by ops

CREATE TABLE serverless_cache (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    account            TEXT    NOT NULL,
    region             TEXT    NOT NULL,
    name               TEXT    NOT NULL,
    description        TEXT    NOT NULL,
    engine             TEXT    NOT NULL,
    engine_version     TEXT    NOT NULL, -- in full
    storage_least_gb   INTEGER NOT NULL, -- limits: 0 where none is given
    storage_most_gb    INTEGER NOT NULL,
    work_least         INTEGER NOT NULL, -- ECPUs per second
    work_most          INTEGER NOT NULL,
    security_groups    TEXT    NOT NULL, -- ids, comma separated
    subnets            TEXT    NOT NULL, -- ids, comma separated
    snapshot_retention INTEGER NOT NULL, -- days
    snapshot_time      TEXT    NOT NULL, -- 'hh:mm'; '' for memcached
    created_ms         INTEGER NOT NULL,
    UNIQUE (account, region, name)
) STRICT;

ALTER TABLE cache_cluster ADD COLUMN owner_id INTEGER REFERENCES serverless_cache (id);
ALTER TABLE replication_group ADD COLUMN owner_id INTEGER REFERENCES serverless_cache (id);

-- What a node may take at least and at most, and what it may do in a second; all 0 where its type says so.
ALTER TABLE cache_cluster ADD COLUMN memory_least INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cache_cluster ADD COLUMN memory_most INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cache_cluster ADD COLUMN work_most INTEGER NOT NULL DEFAULT 0;
ALTER TABLE replication_group ADD COLUMN memory_least INTEGER NOT NULL DEFAULT 0;
ALTER TABLE replication_group ADD COLUMN memory_most INTEGER NOT NULL DEFAULT 0;
ALTER TABLE replication_group ADD COLUMN work_most INTEGER NOT NULL DEFAULT 0;

CREATE INDEX cache_cluster_owner ON cache_cluster (owner_id) WHERE owner_id IS NOT NULL;
CREATE INDEX replication_group_owner ON replication_group (owner_id) WHERE owner_id IS NOT NULL;

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
