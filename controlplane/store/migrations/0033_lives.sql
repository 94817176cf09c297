-- Of which life of its engine a primary was chosen; 0: any. See reconcile/groups.c.
--   goal  (node_group_goal.life)   written by reconcile
ALTER TABLE node_group_goal ADD COLUMN life INTEGER NOT NULL DEFAULT 0;
