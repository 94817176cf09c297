-- How late renewals of leases are at each host (-1: it does not say), and how long leases last: see reconcile/lease_length.c.
--   saw   (host.lease_late_ms)   written by fleet
--   goal  (node_group_goal.lease_ms, lease_most_ms, lease_calm_ms)   written by reconcile
ALTER TABLE host ADD COLUMN lease_late_ms INTEGER NOT NULL DEFAULT -1;
ALTER TABLE node_group_goal ADD COLUMN lease_ms INTEGER NOT NULL DEFAULT 1200;
ALTER TABLE node_group_goal ADD COLUMN lease_most_ms INTEGER NOT NULL DEFAULT 1200;
ALTER TABLE node_group_goal ADD COLUMN lease_calm_ms INTEGER NOT NULL DEFAULT 0;
