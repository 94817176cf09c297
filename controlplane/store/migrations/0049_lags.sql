-- Since when a replica that had followed its primary does not, by the clock of the control plane; 0: it follows, or never did
-- in this life of its engine. Whether it has not for so long that it lags: users were told, and it is no equal of others.
--   saw   (node_saw.unlinked_ms)     written by fleet
--   goal  (node_goal.is_lagging)     written by reconcile
ALTER TABLE node_saw ADD COLUMN unlinked_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_goal ADD COLUMN is_lagging INTEGER NOT NULL DEFAULT 0;
