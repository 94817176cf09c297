-- Replication groups. Their members are cache clusters of one node each; what members have in common is kept
-- once more in the group, for members to come.
--   want  (replication_group, node_group)   written by ops
--   goal  (group_goal, node_group_goal)     written by reconcile
-- group_operation is added to by ops and carried on by reconcile.

CREATE TABLE replication_group (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    account              TEXT    NOT NULL,
    region               TEXT    NOT NULL,
    name                 TEXT    NOT NULL,
    description          TEXT    NOT NULL,
    cluster_mode         TEXT    NOT NULL, -- disabled, compatible, enabled
    has_failover         INTEGER NOT NULL,
    is_multi_az          INTEGER NOT NULL,
    is_encrypted_at_rest INTEGER NOT NULL,
    replication_user     TEXT    NOT NULL, -- by which replicas come to their primary
    replication_password TEXT    NOT NULL,
    snapshotting_cluster TEXT    NOT NULL DEFAULT '',
    next_shard           INTEGER NOT NULL DEFAULT 1,
    engine               TEXT    NOT NULL,
    engine_version       TEXT    NOT NULL,
    node_type            TEXT    NOT NULL,
    port                 INTEGER NOT NULL,
    parameter_group      TEXT    NOT NULL,
    subnet_group         TEXT    NOT NULL,
    security_groups      TEXT    NOT NULL DEFAULT '',
    maintenance_window   TEXT    NOT NULL,
    snapshot_window      TEXT    NOT NULL DEFAULT '',
    snapshot_retention   INTEGER NOT NULL DEFAULT 0,
    auto_minor_upgrade   INTEGER NOT NULL DEFAULT 1,
    notification_topic   TEXT    NOT NULL DEFAULT '',
    notification_status  TEXT    NOT NULL DEFAULT '',
    is_wanted            INTEGER NOT NULL DEFAULT 1,
    created_ms           INTEGER NOT NULL,
    UNIQUE (account, region, name)
) STRICT;

-- A shard. Which of its members is the primary is a goal.
CREATE TABLE node_group (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    group_id    INTEGER NOT NULL REFERENCES replication_group (id) ON DELETE CASCADE,
    number      TEXT    NOT NULL, -- '0001' upward; those of removed ones are not given again
    engine_id   TEXT    NOT NULL, -- 40 hexadecimal digits: how cluster clients know it
    slots       TEXT    NOT NULL, -- '0-5460,5462'; '' while cluster mode is off
    next_member INTEGER NOT NULL DEFAULT 1,
    is_wanted   INTEGER NOT NULL DEFAULT 1,
    UNIQUE (group_id, number)
) STRICT;

ALTER TABLE cache_cluster ADD COLUMN group_id INTEGER REFERENCES replication_group (id);
ALTER TABLE cache_cluster ADD COLUMN node_group_id INTEGER REFERENCES node_group (id);
CREATE INDEX cache_cluster_group ON cache_cluster (group_id);

-- 40 hexadecimal digits: how cluster clients know a node.
ALTER TABLE cache_node ADD COLUMN engine_id TEXT NOT NULL DEFAULT '';

-- Who is the primary, by which term. While roles change by plan, the old primary is fenced: it takes no writes,
-- and the new one begins when it has come as far in the stream as the old one was.
CREATE TABLE node_group_goal (
    node_group_id INTEGER PRIMARY KEY REFERENCES node_group (id) ON DELETE CASCADE,
    term          INTEGER NOT NULL,
    primary_id    INTEGER NOT NULL, -- of cache_cluster
    fenced_id     INTEGER NOT NULL DEFAULT 0,
    fence_term    INTEGER NOT NULL DEFAULT 0,
    after_offset  INTEGER NOT NULL DEFAULT 0
) STRICT;

-- What the nodes of a group in cluster mode know of each other; the epoch grows with each change.
CREATE TABLE group_goal (
    group_id INTEGER PRIMARY KEY REFERENCES replication_group (id) ON DELETE CASCADE,
    epoch    INTEGER NOT NULL,
    topology TEXT    NOT NULL
) STRICT;

CREATE TABLE group_operation (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    kind        TEXT    NOT NULL, -- create, delete, replicas, modify, switch
    group_id    INTEGER NOT NULL REFERENCES replication_group (id) ON DELETE CASCADE,
    step        INTEGER NOT NULL DEFAULT 0,
    state       TEXT    NOT NULL DEFAULT 'running', -- running, done, failed
    data        TEXT    NOT NULL DEFAULT '',
    why         TEXT    NOT NULL DEFAULT '',
    created_ms  INTEGER NOT NULL,
    deadline_ms INTEGER NOT NULL
) STRICT;
CREATE INDEX group_operation_group ON group_operation (group_id);
CREATE UNIQUE INDEX group_operation_running ON group_operation (group_id) WHERE state = 'running';

-- What a running engine took on, and what it says of its role.
ALTER TABLE node_saw ADD COLUMN applied_settings TEXT NOT NULL DEFAULT '';
ALTER TABLE node_saw ADD COLUMN is_reboot_pending INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_saw ADD COLUMN role TEXT NOT NULL DEFAULT ''; -- primary, replica, or '' while it cannot be asked
ALTER TABLE node_saw ADD COLUMN term INTEGER NOT NULL DEFAULT 0;
ALTER TABLE node_saw ADD COLUMN replication_offset INTEGER NOT NULL DEFAULT 0; -- as of the last other change
ALTER TABLE node_saw ADD COLUMN is_link_up INTEGER NOT NULL DEFAULT 0;
