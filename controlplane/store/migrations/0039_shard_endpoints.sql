-- Addresses of a shard's endpoints, which go where the roles go ('': none), the member that has the
-- readers' one, and the number of its changes. See reconcile/endpoints.c.
--   goal  (node_group_goal.address, reader_address, reader_id, reader_turn)   written by reconcile
ALTER TABLE node_group_goal ADD COLUMN address TEXT NOT NULL DEFAULT '';
ALTER TABLE node_group_goal ADD COLUMN reader_address TEXT NOT NULL DEFAULT '';
ALTER TABLE node_group_goal ADD COLUMN reader_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN reader_turn INTEGER NOT NULL DEFAULT 0;
