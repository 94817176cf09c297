-- Whether the primary that was lost last was heard of all the time, and had only no lease: see reconcile/losses.c.
--   goal  (node_group_goal.is_cut_off)   written by reconcile
ALTER TABLE node_group_goal ADD COLUMN is_cut_off INTEGER NOT NULL DEFAULT 0;
