-- Service updates: builds of the service's own engine, and what was asked for with them.
--   saw   (node_saw.build, engine_build)   written by fleet
--   want  (update_action)                  written by ops

ALTER TABLE node_saw ADD COLUMN build TEXT NOT NULL DEFAULT '';

-- Every build that a host of the region ever offered. The first one is no update of anything.
CREATE TABLE engine_build (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    region      TEXT    NOT NULL,
    build       TEXT    NOT NULL,
    before      TEXT    NOT NULL, -- the newest one that was there; '' for the first
    released_ms INTEGER NOT NULL, -- when a host offered it first
    UNIQUE (region, build)
) STRICT;

CREATE TABLE update_action (
    id                   INTEGER PRIMARY KEY AUTOINCREMENT,
    build_id             INTEGER NOT NULL REFERENCES engine_build (id),
    cluster_id           INTEGER REFERENCES cache_cluster (id) ON DELETE CASCADE,
    replication_group_id INTEGER REFERENCES replication_group (id) ON DELETE CASCADE,
    operation_id         INTEGER NOT NULL, -- of the cluster, or of the group
    applied_ms           INTEGER NOT NULL,
    stopped_ms           INTEGER NOT NULL DEFAULT 0,
    UNIQUE (build_id, cluster_id),
    UNIQUE (build_id, replication_group_id),
    CHECK ((cluster_id IS NULL) <> (replication_group_id IS NULL))
) STRICT;
