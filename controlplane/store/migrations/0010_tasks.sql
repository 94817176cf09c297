-- Work that agents do once with running nodes. The last three columns are written by fleet, the others by who wants
-- the work and waits for it. A node takes its tasks along when it goes.
CREATE TABLE node_task (
    id         INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: agents know tasks by it
    node_id    INTEGER NOT NULL REFERENCES cache_node (id) ON DELETE CASCADE,
    kind       TEXT    NOT NULL,
    detail     TEXT    NOT NULL, -- NodeTask of the agents' interface as JSON, without id and kind
    created_ms INTEGER NOT NULL,
    state      TEXT    NOT NULL DEFAULT 'running', -- running, done, failed
    why        TEXT    NOT NULL DEFAULT '',
    percent    INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX node_task_node ON node_task (node_id);
