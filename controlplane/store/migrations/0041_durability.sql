-- What an acknowledged write of a replication group outlives: see model/durability.h and reconcile/acks.c.
--   want  (replication_group.durability)   written by ops
--   goal  (node_group_goal)                written by reconcile
--   saw   (node_saw.lineage)               written by fleet
ALTER TABLE replication_group ADD COLUMN durability TEXT NOT NULL DEFAULT 'async'; -- async, bounded, sync, disabled
ALTER TABLE node_group_goal ADD COLUMN acks_ordered INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN is_bounded INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN acks_counted INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN acks_after INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN acks_asked_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN acks_gone INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN offsets_asked INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_saw ADD COLUMN lineage INTEGER NOT NULL DEFAULT 0;
