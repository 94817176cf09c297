-- Users, user groups, and which caches they may enter. A change of who may do what has a revision: a number of one
-- sequence, so that of two states of one cache the later has the higher one, whatever led there.
--   want    (cache_user, user_group, user_group_member, cache_access)   written by ops
--   settled_revision, told_revision                                     written by reconcile: what is in force
--                                                                       everywhere, what hosts were told to fetch

CREATE TABLE access_sequence (
    revision INTEGER NOT NULL
) STRICT;
INSERT INTO access_sequence (revision) VALUES (1); -- of caches that nobody has restricted yet

-- The default user that every account has is not here: it is everywhere the same, and its id is 0.
CREATE TABLE cache_user (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    account          TEXT    NOT NULL,
    region           TEXT    NOT NULL,
    name             TEXT    NOT NULL, -- UserId
    login            TEXT    NOT NULL, -- UserName
    engine           TEXT    NOT NULL, -- redis, valkey
    access           TEXT    NOT NULL,
    authentication   TEXT    NOT NULL, -- password, no-password, iam
    digests          TEXT    NOT NULL, -- SHA-256 of each password, hexadecimal, comma separated
    revision         INTEGER NOT NULL,
    settled_revision INTEGER NOT NULL,
    is_wanted        INTEGER NOT NULL DEFAULT 1,
    created_ms       INTEGER NOT NULL,
    UNIQUE (account, region, name)
) STRICT;
CREATE INDEX cache_user_unsettled ON cache_user (id) WHERE settled_revision < revision;

CREATE TABLE user_group (
    id               INTEGER PRIMARY KEY AUTOINCREMENT,
    account          TEXT    NOT NULL,
    region           TEXT    NOT NULL,
    name             TEXT    NOT NULL,
    engine           TEXT    NOT NULL,
    revision         INTEGER NOT NULL,
    settled_revision INTEGER NOT NULL DEFAULT 0, -- 0: it is being made
    revised_ms       INTEGER NOT NULL,           -- when `revision` was given
    is_wanted        INTEGER NOT NULL DEFAULT 1,
    created_ms       INTEGER NOT NULL,
    UNIQUE (account, region, name)
) STRICT;
CREATE INDEX user_group_unsettled ON user_group (id) WHERE settled_revision < revision;

CREATE TABLE user_group_member (
    group_id         INTEGER NOT NULL REFERENCES user_group (id) ON DELETE CASCADE,
    user_id          INTEGER NOT NULL, -- 0: the default user
    added_revision   INTEGER NOT NULL,
    removed_revision INTEGER NOT NULL DEFAULT 0, -- of the group; the row goes when that is in force
    PRIMARY KEY (group_id, user_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX user_group_member_user ON user_group_member (user_id);

-- How one cache is entered: by users of a group, by a token, or (without a row) by anybody.
CREATE TABLE cache_access (
    id                INTEGER PRIMARY KEY AUTOINCREMENT,
    replication_group_id INTEGER UNIQUE REFERENCES replication_group (id) ON DELETE CASCADE,
    cluster_id        INTEGER UNIQUE REFERENCES cache_cluster (id) ON DELETE CASCADE,
    user_group_id     INTEGER REFERENCES user_group (id),
    token_digests     TEXT    NOT NULL DEFAULT '',
    is_token_optional INTEGER NOT NULL DEFAULT 0,
    token_modified_ms INTEGER NOT NULL DEFAULT 0,
    revision          INTEGER NOT NULL,
    told_revision     INTEGER NOT NULL DEFAULT 0,
    CHECK ((replication_group_id IS NULL) <> (cluster_id IS NULL))
) STRICT;
CREATE INDEX cache_access_user_group ON cache_access (user_group_id);
