-- What of a host's goals is news to an agent that holds those of some generation: the generation by which a node's goal
-- changed last, and the last one by which something else did, so that all goals are told.
--   goal  (node_goal.changed, host_goal.whole)   written by whoever raises the generation
ALTER TABLE node_goal ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
ALTER TABLE host_goal ADD COLUMN whole INTEGER NOT NULL DEFAULT 0;
UPDATE host_goal SET whole = generation;
