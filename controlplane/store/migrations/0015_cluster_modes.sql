-- Whether the node's engine is to be started in cluster mode: while a group's mode changes, its nodes differ.
ALTER TABLE node_goal ADD COLUMN is_clustered INTEGER NOT NULL DEFAULT 0;
UPDATE node_goal SET is_clustered = 1 WHERE node_id IN
    (SELECT n.id FROM cache_node n JOIN cache_cluster c ON c.id = n.cluster_id
     JOIN replication_group g ON g.id = c.group_id WHERE g.cluster_mode <> 'disabled');
