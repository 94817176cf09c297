-- Slots on their way from shard to shard. Added by ops, which also removes them with what they were for; carried on
-- by reconcile, which does each by tasks of the shards' primaries, one at a time.
CREATE TABLE slot_move (
    id       INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: engines know moves by it
    group_id INTEGER NOT NULL REFERENCES replication_group (id) ON DELETE CASCADE,
    from_id  INTEGER NOT NULL REFERENCES node_group (id) ON DELETE CASCADE,
    to_id    INTEGER NOT NULL REFERENCES node_group (id) ON DELETE CASCADE,
    slots    TEXT    NOT NULL, -- '0-1023'
    token    TEXT    NOT NULL, -- 40 hexadecimal digits
    state    TEXT    NOT NULL DEFAULT 'waiting', -- waiting, announced, moving, settling, done
    attempt  INTEGER NOT NULL DEFAULT 0,
    since_ms INTEGER NOT NULL DEFAULT 0,
    task_id  INTEGER NOT NULL DEFAULT 0 -- of node_task; 0 for none
) STRICT;
CREATE INDEX slot_move_group ON slot_move (group_id);
