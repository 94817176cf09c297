-- Whom the primary of a shard follows outside of its group: the server that data is moved from, or the primary of the
-- same shard in another region. A goal, written by reconcile together with node_group_goal.
CREATE TABLE node_group_source (
    node_group_id INTEGER PRIMARY KEY REFERENCES node_group (id) ON DELETE CASCADE,
    address       TEXT    NOT NULL, -- or a name
    port          INTEGER NOT NULL,
    user          TEXT    NOT NULL, -- by which it goes there; '' for nobody
    password      TEXT    NOT NULL
) STRICT;
