-- What a failover asks for is found, however many nodes there are: the members of a shard, and what a host has said.

CREATE INDEX cache_cluster_shard ON cache_cluster (node_group_id) WHERE node_group_id IS NOT NULL;
CREATE INDEX node_saw_host ON node_saw (host_id);
