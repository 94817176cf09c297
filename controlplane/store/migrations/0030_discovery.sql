-- What clients of a memcached cluster are told of its nodes; beside it goes the configuration_version of
-- the cluster, which grows whenever this changes.
CREATE TABLE cluster_discovery (
    cluster_id INTEGER PRIMARY KEY REFERENCES cache_cluster (id) ON DELETE CASCADE,
    nodes      TEXT NOT NULL -- 'host|ip|port host|ip|port'
) STRICT;
