-- How many primaries of a shard ended one upon another, when the first and when the last of them did;
-- 0: it has been whole since. See reconcile/restraint.c.
--   goal  (node_group_goal.falls, fell_ms, last_fell_ms)   written by reconcile
ALTER TABLE node_group_goal ADD COLUMN falls INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN fell_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN last_fell_ms INTEGER NOT NULL DEFAULT 0;
