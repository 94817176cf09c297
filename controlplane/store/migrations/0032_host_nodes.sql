-- What is on a host is asked for at every look at a cluster: the index alone answers.

DROP INDEX node_goal_host;
CREATE INDEX node_goal_host ON node_goal (host_id, memory_bytes, address, port, second_address);
