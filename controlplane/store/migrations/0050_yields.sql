-- For whom a primary is to yield, and how often that was asked. See reconcile/switch_steps.c.
--   goal  (node_group_goal.yields_to, yields)   written by reconcile
ALTER TABLE node_group_goal ADD COLUMN yields_to INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN yields INTEGER NOT NULL DEFAULT 0;
