-- What is wrong with a node that runs, or did: it was killed and the kernel holds it, it does not answer, it is a primary
-- without a lease. Whether users were told that it does not answer.
--   saw   (node_saw.is_killed, is_silent, is_unleased)   written by fleet
--   goal  (node_goal.is_told_silent)                     written by reconcile
ALTER TABLE node_saw ADD COLUMN is_killed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_saw ADD COLUMN is_silent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_saw ADD COLUMN is_unleased INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_goal ADD COLUMN is_told_silent INTEGER NOT NULL DEFAULT 0;
