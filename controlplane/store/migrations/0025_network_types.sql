-- By which kinds of addresses caches are reached; a node of both kinds has two addresses, of which
-- the first is the one of IPv4.

ALTER TABLE cache_cluster ADD COLUMN network_type TEXT NOT NULL DEFAULT 'ipv4'; -- ipv4, ipv6, dual_stack
ALTER TABLE cache_cluster ADD COLUMN ip_discovery TEXT NOT NULL DEFAULT 'ipv4'; -- ipv4, ipv6
ALTER TABLE replication_group ADD COLUMN network_type TEXT NOT NULL DEFAULT 'ipv4';
ALTER TABLE replication_group ADD COLUMN ip_discovery TEXT NOT NULL DEFAULT 'ipv4';

ALTER TABLE node_goal ADD COLUMN second_address TEXT NOT NULL DEFAULT '';
CREATE UNIQUE INDEX node_goal_second ON node_goal (second_address, port) WHERE second_address <> '';

ALTER TABLE host ADD COLUMN pool6 TEXT NOT NULL DEFAULT ''; -- CIDR; '' where it has no IPv6
