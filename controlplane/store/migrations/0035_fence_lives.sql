-- Which life of its engine is fenced; 0: any. See reconcile/groups.c.
--   goal  (node_group_goal.fence_life)   written by reconcile
ALTER TABLE node_group_goal ADD COLUMN fence_life INTEGER NOT NULL DEFAULT 0;
