-- Who certifies nodes, and their certificates (both: written by reconcile, the first by larderd when it makes the store).

CREATE TABLE authority (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    certificate  TEXT    NOT NULL, -- PEM
    private_key  TEXT    NOT NULL, -- PEM
    not_after_ms INTEGER NOT NULL
) STRICT;

CREATE TABLE node_certificate (
    node_id      INTEGER PRIMARY KEY REFERENCES cache_node (id) ON DELETE CASCADE,
    names        TEXT    NOT NULL, -- what it was issued for, comma separated
    certificate  TEXT    NOT NULL, -- PEM
    private_key  TEXT    NOT NULL, -- PEM
    not_after_ms INTEGER NOT NULL,
    revision     INTEGER NOT NULL -- 1, and one more with each replacement
) STRICT;

-- '', 'preferred' or 'required'
ALTER TABLE cache_cluster ADD COLUMN tls_mode TEXT NOT NULL DEFAULT '';
ALTER TABLE replication_group ADD COLUMN tls_mode TEXT NOT NULL DEFAULT '';
ALTER TABLE node_goal ADD COLUMN tls_mode TEXT NOT NULL DEFAULT ''; -- what its host was last told
