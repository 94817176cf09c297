-- What nodes of a cluster that goes over to another type have until it is their turn; '' for that of the cluster.
--   want  (node_type)   written by ops when the change begins, by reconcile node by node

ALTER TABLE cache_node ADD COLUMN node_type TEXT NOT NULL DEFAULT '';
