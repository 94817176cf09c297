-- Logs that are sent on: what users asked for (writer: ops), and what agents say of it (writer: fleet).

CREATE TABLE log_delivery (
    id               INTEGER PRIMARY KEY,
    cluster_id       INTEGER REFERENCES cache_cluster (id) ON DELETE CASCADE, -- of a cluster that stands alone
    group_id         INTEGER REFERENCES replication_group (id) ON DELETE CASCADE,
    log_type         TEXT    NOT NULL, -- slow-log, engine-log
    destination_type TEXT    NOT NULL, -- cloudwatch-logs, kinesis-firehose
    destination      TEXT    NOT NULL, -- name of the log group or delivery stream
    format           TEXT    NOT NULL, -- text, json
    url              TEXT    NOT NULL, -- where that is; '' when it leads nowhere
    is_enabled       INTEGER NOT NULL, -- 0: it was, and engines may not have heard yet
    is_changed       INTEGER NOT NULL, -- it took the place of another one
    revision         INTEGER NOT NULL, -- grows with each change, over all rows
    UNIQUE (cluster_id, log_type),
    UNIQUE (group_id, log_type),
    CHECK ((cluster_id IS NULL) <> (group_id IS NULL))
) STRICT;

CREATE TABLE log_error (
    node_id  INTEGER NOT NULL REFERENCES cache_node (id) ON DELETE CASCADE,
    log_type TEXT    NOT NULL,
    why      TEXT    NOT NULL,
    PRIMARY KEY (node_id, log_type)
) STRICT, WITHOUT ROWID;
