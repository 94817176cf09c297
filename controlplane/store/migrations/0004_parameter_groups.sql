-- Parameter groups of users' own (want, written by ops); the default ones are in the catalogue.

CREATE TABLE parameter_group (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account     TEXT    NOT NULL,
    region      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    family      TEXT    NOT NULL,
    description TEXT    NOT NULL,
    revision    INTEGER NOT NULL UNIQUE, -- raised by each change, over that of every other group
    created_ms  INTEGER NOT NULL,
    UNIQUE (account, region, name)
) STRICT;

CREATE TABLE parameter_value (
    group_id INTEGER NOT NULL REFERENCES parameter_group (id) ON DELETE CASCADE,
    name     TEXT    NOT NULL,
    value    TEXT    NOT NULL, -- as given
    PRIMARY KEY (group_id, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX cache_cluster_parameter_group ON cache_cluster (account, region, parameter_group);

-- What the node's host was last told of: see parameters_number in model/effective.h.
ALTER TABLE node_goal ADD COLUMN parameters INTEGER NOT NULL DEFAULT 0;
