-- Replication groups in several regions of which one takes writes and the others follow it.
CREATE TABLE global_datastore (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account     TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    created_ms  INTEGER NOT NULL,
    UNIQUE (account, name)
) STRICT;

-- Begun by ops; reconcile makes a successor the primary, and removes those that leave.
CREATE TABLE global_member (
    group_id     INTEGER PRIMARY KEY REFERENCES replication_group (id) ON DELETE CASCADE,
    datastore_id INTEGER NOT NULL REFERENCES global_datastore (id) ON DELETE CASCADE,
    role         TEXT    NOT NULL -- primary, secondary, successor, leaving
) STRICT;
CREATE INDEX global_member_datastore ON global_member (datastore_id);
