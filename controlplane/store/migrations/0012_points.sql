-- The numbers of nodes, a point a minute (writer: fleet). They are kept by the names that users know
-- of a node, which outlive it.

CREATE TABLE point_source (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    account           TEXT    NOT NULL,
    region            TEXT    NOT NULL,
    cluster           TEXT    NOT NULL,
    number            TEXT    NOT NULL,            -- of the node in its cluster
    replication_group TEXT    NOT NULL DEFAULT '', -- its name
    metrics           TEXT    NOT NULL DEFAULT '', -- numbers of those that it ever had, with spaces around each
    last_ms           INTEGER NOT NULL DEFAULT 0,  -- of its newest point
    UNIQUE (account, region, cluster, number, replication_group)
) STRICT;

-- One row for each source and hour, packed as model/points.h says.
CREATE TABLE point_hour (
    source_id INTEGER NOT NULL REFERENCES point_source (id) ON DELETE CASCADE,
    hour      INTEGER NOT NULL, -- since 1970
    packed    BLOB    NOT NULL,
    PRIMARY KEY (source_id, hour)
) STRICT;

CREATE INDEX point_hour_by_hour ON point_hour (hour);

-- How much room the packed points of an hour take, so that a limit costs no look at each.
CREATE TABLE point_room (
    hour  INTEGER PRIMARY KEY,
    bytes INTEGER NOT NULL
) STRICT;
