-- Leases of shards. Who votes on a shard's lease, told to its primary as the set of that number; whether the primary takes
-- writes under it; the term that voters are asked to promise; since when nobody is its primary, whose host was lost, and how
-- far its successor had come.
--   goal  (node_group_goal.*)             written by reconcile
ALTER TABLE node_group_goal ADD COLUMN voters TEXT NOT NULL DEFAULT '';
ALTER TABLE node_group_goal ADD COLUMN voters_number INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN is_leased INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN voters_settled_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN asked_term INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN is_loss_told INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN vacated_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN lost_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN lost_term INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_group_goal ADD COLUMN lost_offset INTEGER NOT NULL DEFAULT 0;
CREATE INDEX node_group_goal_asked ON node_group_goal (asked_term) WHERE asked_term > 0;

-- What voters have promised, where they answer, and for how long they have not been heard.
--   saw  (host.peer_*, is_quiet, silent_ms; promise)   written by fleet
ALTER TABLE host ADD COLUMN peer_address TEXT NOT NULL DEFAULT '';
ALTER TABLE host ADD COLUMN peer_port INTEGER NOT NULL DEFAULT 0;
ALTER TABLE host ADD COLUMN is_quiet INTEGER NOT NULL DEFAULT 0;
ALTER TABLE host ADD COLUMN silent_ms INTEGER NOT NULL DEFAULT 0;
CREATE TABLE promise (
    host_id TEXT NOT NULL REFERENCES host (id) ON DELETE CASCADE,
    node_group_id INTEGER NOT NULL REFERENCES node_group (id) ON DELETE CASCADE,
    term INTEGER NOT NULL,
    PRIMARY KEY (host_id, node_group_id)
) WITHOUT ROWID;
CREATE INDEX promise_shard ON promise (node_group_id);

-- By what voters and holders know each other, and where the control plane's own vote was last asked for. One row.
CREATE TABLE lease_secret (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    key TEXT NOT NULL,
    address TEXT NOT NULL DEFAULT '',
    port INTEGER NOT NULL DEFAULT 0
);
