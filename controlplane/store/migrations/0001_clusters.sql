-- Cache clusters and what stands behind them. Three sets of facts, one writer each:
--   want  (cache_cluster, cache_node, tag)   what users asked for             written by ops
--   goal  (node_goal, host_goal)             what each node should be next    written by reconcile
--   saw   (host, node_saw)                   what agents last reported        written by fleet
-- event and operation are added to by ops and carried on by reconcile.

CREATE TABLE cache_cluster (
    id                     INTEGER PRIMARY KEY AUTOINCREMENT,
    account                TEXT    NOT NULL,
    region                 TEXT    NOT NULL,
    name                   TEXT    NOT NULL,
    engine                 TEXT    NOT NULL,
    engine_version         TEXT    NOT NULL, -- as reported, in full
    node_type              TEXT    NOT NULL,
    port                   INTEGER NOT NULL,
    az_mode                TEXT    NOT NULL DEFAULT 'single-az',
    preferred_zone         TEXT    NOT NULL DEFAULT '', -- a zone, 'Multiple', or '' while it does not matter
    parameter_group        TEXT    NOT NULL,
    subnet_group           TEXT    NOT NULL,
    security_groups        TEXT    NOT NULL DEFAULT '', -- ids, comma separated
    maintenance_window     TEXT    NOT NULL,
    snapshot_window        TEXT    NOT NULL DEFAULT '',
    snapshot_retention     INTEGER NOT NULL DEFAULT 0,
    auto_minor_upgrade     INTEGER NOT NULL DEFAULT 1,
    notification_topic     TEXT    NOT NULL DEFAULT '',
    notification_status    TEXT    NOT NULL DEFAULT '',
    configuration_version  INTEGER NOT NULL DEFAULT 1, -- memcached auto discovery
    next_node              INTEGER NOT NULL DEFAULT 1, -- numbers of removed nodes are not given again
    is_wanted              INTEGER NOT NULL DEFAULT 1,
    created_ms             INTEGER NOT NULL,
    UNIQUE (account, region, name)
) STRICT;

CREATE TABLE cache_node (
    id          INTEGER PRIMARY KEY AUTOINCREMENT, -- never reused: agents name directories after it
    cluster_id  INTEGER NOT NULL REFERENCES cache_cluster (id),
    number      TEXT    NOT NULL, -- '0001' upward
    zone        TEXT    NOT NULL DEFAULT '', -- asked for; '' leaves it to placement
    is_wanted   INTEGER NOT NULL DEFAULT 1,
    boot_count  INTEGER NOT NULL DEFAULT 1,
    created_ms  INTEGER NOT NULL,
    UNIQUE (cluster_id, number)
) STRICT;

CREATE TABLE tag (
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    arn     TEXT NOT NULL,
    key     TEXT NOT NULL,
    value   TEXT NOT NULL,
    PRIMARY KEY (arn, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE node_goal (
    node_id      INTEGER PRIMARY KEY REFERENCES cache_node (id) ON DELETE CASCADE,
    host_id      TEXT    NOT NULL REFERENCES host (id),
    address      TEXT    NOT NULL,
    port         INTEGER NOT NULL,
    state        TEXT    NOT NULL,
    boot_count   INTEGER NOT NULL,
    memory_bytes INTEGER NOT NULL, -- what it takes of the host
    crashes_told INTEGER NOT NULL DEFAULT 0, -- crashes that events were written for
    is_told_down INTEGER NOT NULL DEFAULT 0, -- the last event said that it is being recovered
    UNIQUE (address, port)
) STRICT;
CREATE INDEX node_goal_host ON node_goal (host_id);

CREATE TABLE host_goal (
    host_id    TEXT PRIMARY KEY REFERENCES host (id) ON DELETE CASCADE,
    generation INTEGER NOT NULL
) STRICT;

CREATE TABLE host (
    id            TEXT PRIMARY KEY,
    region        TEXT    NOT NULL,
    zone          TEXT    NOT NULL,
    name          TEXT    NOT NULL,
    incarnation   TEXT    NOT NULL,
    boot_id       TEXT    NOT NULL,
    agent_version TEXT    NOT NULL,
    memory_bytes  INTEGER NOT NULL,
    vcpus         INTEGER NOT NULL,
    pool          TEXT    NOT NULL,
    engines       TEXT    NOT NULL, -- 'bundled=0.1.0 redis=7.0.15'
    is_silent     INTEGER NOT NULL DEFAULT 0,
    enrolled_ms   INTEGER NOT NULL,
    UNIQUE (region, name)
) STRICT;

CREATE TABLE node_saw (
    node_id           INTEGER PRIMARY KEY REFERENCES cache_node (id) ON DELETE CASCADE,
    host_id           TEXT    NOT NULL,
    state             TEXT    NOT NULL,
    boot_count        INTEGER NOT NULL,
    pid               INTEGER NOT NULL DEFAULT 0,
    crashes           INTEGER NOT NULL DEFAULT 0,
    crashed_ms        INTEGER NOT NULL DEFAULT 0,
    last_exit         TEXT    NOT NULL DEFAULT '',
    why               TEXT    NOT NULL DEFAULT ''
) STRICT;

CREATE TABLE operation (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT    NOT NULL, -- create, delete, reboot, modify
    cluster_id  INTEGER NOT NULL REFERENCES cache_cluster (id) ON DELETE CASCADE,
    step        INTEGER NOT NULL DEFAULT 0,
    state       TEXT    NOT NULL DEFAULT 'running', -- running, done, failed
    data        TEXT    NOT NULL DEFAULT '', -- what the steps need to know, e.g. nodes to reboot
    why         TEXT    NOT NULL DEFAULT '',
    created_ms  INTEGER NOT NULL,
    deadline_ms INTEGER NOT NULL -- wall time after which waiting is failing
) STRICT;
CREATE INDEX operation_cluster ON operation (cluster_id);

CREATE TABLE event (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account     TEXT    NOT NULL,
    region      TEXT    NOT NULL,
    source_type TEXT    NOT NULL,
    source      TEXT    NOT NULL,
    message     TEXT    NOT NULL,
    at_ms       INTEGER NOT NULL
) STRICT;
CREATE INDEX event_time ON event (account, region, at_ms);
