-- Snapshots: what was taken of which cluster or group, part by part (one of each shard), and the files that parts are
-- kept in. A copy has parts of its own in the same files; a file that no part is in any more is removed.
CREATE TABLE snapshot (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    owner                TEXT    NOT NULL DEFAULT '', -- '' : users see it; else whose it is
    account              TEXT    NOT NULL,
    region               TEXT    NOT NULL,
    name                 TEXT    NOT NULL,
    is_automatic         INTEGER NOT NULL,
    is_final             INTEGER NOT NULL, -- what it is taken of goes when it is there
    state                TEXT    NOT NULL, -- creating, available, failed
    why                  TEXT    NOT NULL DEFAULT '',
    group_id             INTEGER NOT NULL, -- of what it was taken; it may be gone
    cluster_id           INTEGER NOT NULL,
    group_name           TEXT    NOT NULL,
    description          TEXT    NOT NULL,
    cluster_name         TEXT    NOT NULL,
    cluster_mode         TEXT    NOT NULL,
    has_failover         INTEGER NOT NULL,
    is_encrypted_at_rest INTEGER NOT NULL,
    engine               TEXT    NOT NULL,
    engine_version       TEXT    NOT NULL,
    node_type            TEXT    NOT NULL,
    port                 INTEGER NOT NULL,
    parameter_group      TEXT    NOT NULL,
    subnet_group         TEXT    NOT NULL,
    maintenance_window   TEXT    NOT NULL,
    snapshot_window      TEXT    NOT NULL,
    snapshot_retention   INTEGER NOT NULL,
    auto_minor_upgrade   INTEGER NOT NULL,
    notification_topic   TEXT    NOT NULL,
    preferred_zone       TEXT    NOT NULL,
    source_created_ms    INTEGER NOT NULL,
    created_ms           INTEGER NOT NULL,
    UNIQUE (account, region, owner, name)
) STRICT;
CREATE INDEX snapshot_state ON snapshot (state);
CREATE INDEX snapshot_group ON snapshot (group_id);
CREATE INDEX snapshot_cluster ON snapshot (cluster_id);

CREATE TABLE snapshot_file (
    id     INTEGER PRIMARY KEY AUTOINCREMENT, -- its name is the number
    bytes  INTEGER NOT NULL,
    sha256 TEXT    NOT NULL
) STRICT;

CREATE TABLE snapshot_part (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    snapshot_id     INTEGER NOT NULL REFERENCES snapshot (id) ON DELETE CASCADE,
    number          TEXT    NOT NULL, -- of the shard; '' outside of groups
    slots           TEXT    NOT NULL, -- '' : of all, or nobody knows
    cluster_name    TEXT    NOT NULL, -- whose node it was taken of
    replicas        INTEGER NOT NULL DEFAULT 0, -- that the shard had
    shard_id        INTEGER NOT NULL DEFAULT 0,
    node_id         INTEGER NOT NULL DEFAULT 0, -- who is to give it
    node_created_ms INTEGER NOT NULL DEFAULT 0,
    task_id         INTEGER NOT NULL DEFAULT 0,
    attempts        INTEGER NOT NULL DEFAULT 0,
    taken_ms        INTEGER NOT NULL DEFAULT 0,
    origin          TEXT    NOT NULL DEFAULT '', -- 'bucket/key' that it is fetched from
    file_id         INTEGER REFERENCES snapshot_file (id),
    UNIQUE (snapshot_id, number)
) STRICT;
CREATE INDEX snapshot_part_task ON snapshot_part (task_id);
CREATE INDEX snapshot_part_file ON snapshot_part (file_id);

-- What a node that is restored begins with: one or more parts, of which it takes the keys in its slots.
CREATE TABLE node_seed (
    node_id INTEGER NOT NULL REFERENCES cache_node (id) ON DELETE CASCADE,
    part_id INTEGER NOT NULL REFERENCES snapshot_part (id) ON DELETE CASCADE,
    slots   TEXT    NOT NULL, -- '' : all
    PRIMARY KEY (node_id, part_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX node_seed_part ON node_seed (part_id);

-- Snapshots on their way to a bucket.
CREATE TABLE snapshot_export (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    snapshot_id INTEGER NOT NULL REFERENCES snapshot (id) ON DELETE CASCADE,
    bucket      TEXT    NOT NULL,
    name        TEXT    NOT NULL, -- of the files there, without number and ending
    created_ms  INTEGER NOT NULL
) STRICT;
CREATE INDEX snapshot_export_snapshot ON snapshot_export (snapshot_id);
