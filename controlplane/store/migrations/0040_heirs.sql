-- The member that is to be the primary again once it has its data back; 0: none. See
-- reconcile/groups.c.
--   goal  (node_group_goal.heir_id)   written by reconcile
ALTER TABLE node_group_goal ADD COLUMN heir_id INTEGER NOT NULL DEFAULT 0;
