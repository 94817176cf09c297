-- When all hosts of a group were told its topology last, and by when those that were not told what changed since then are
-- (0: nothing did).
--   goal  (group_goal.*)   written by reconcile
ALTER TABLE group_goal ADD COLUMN told_ms INTEGER NOT NULL DEFAULT 0;
ALTER TABLE group_goal ADD COLUMN due_ms INTEGER NOT NULL DEFAULT 0;
