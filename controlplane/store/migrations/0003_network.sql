-- The network inventory of each account and region, and the groups of subnets that caches are placed
-- in. Want: written by ops, at the wish of users or of the operator's file.

CREATE TABLE vpc (
    account             TEXT    NOT NULL,
    region              TEXT    NOT NULL,
    id                  TEXT    NOT NULL,
    cidr                TEXT    NOT NULL,
    ipv6_cidr           TEXT    NOT NULL DEFAULT '',
    tenancy             TEXT    NOT NULL DEFAULT 'default',
    is_default          INTEGER NOT NULL DEFAULT 0,
    has_dns_support     INTEGER NOT NULL DEFAULT 1,
    has_dns_hostnames   INTEGER NOT NULL DEFAULT 0,
    has_address_metrics INTEGER NOT NULL DEFAULT 0,
    origin              TEXT    NOT NULL, -- default, declared, made, assumed
    PRIMARY KEY (account, region, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE subnet (
    account         TEXT    NOT NULL,
    region          TEXT    NOT NULL,
    id              TEXT    NOT NULL,
    vpc_id          TEXT    NOT NULL,
    zone            TEXT    NOT NULL,
    cidr            TEXT    NOT NULL DEFAULT '', -- '' where it is of IPv6 alone
    ipv6_cidr       TEXT    NOT NULL DEFAULT '',
    is_default      INTEGER NOT NULL DEFAULT 0,
    maps_public_ip  INTEGER NOT NULL DEFAULT 0,
    assigns_ipv6    INTEGER NOT NULL DEFAULT 0,
    has_dns64       INTEGER NOT NULL DEFAULT 0,
    has_a_record    INTEGER NOT NULL DEFAULT 0,
    has_aaaa_record INTEGER NOT NULL DEFAULT 0,
    hostname_type   TEXT    NOT NULL DEFAULT 'ip-name',
    origin          TEXT    NOT NULL,
    PRIMARY KEY (account, region, id),
    FOREIGN KEY (account, region, vpc_id) REFERENCES vpc (account, region, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE security_group (
    account     TEXT NOT NULL,
    region      TEXT NOT NULL,
    id          TEXT NOT NULL,
    vpc_id      TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT NOT NULL,
    origin      TEXT NOT NULL,
    PRIMARY KEY (account, region, id),
    UNIQUE (account, region, vpc_id, name),
    FOREIGN KEY (account, region, vpc_id) REFERENCES vpc (account, region, id)
) STRICT, WITHOUT ROWID;

CREATE TABLE security_rule (
    account      TEXT    NOT NULL,
    region       TEXT    NOT NULL,
    id           TEXT    NOT NULL,
    group_id     TEXT    NOT NULL,
    is_egress    INTEGER NOT NULL,
    protocol     TEXT    NOT NULL,
    from_port    INTEGER NOT NULL,
    to_port      INTEGER NOT NULL,
    cidr         TEXT    NOT NULL DEFAULT '', -- exactly one of these four
    ipv6_cidr    TEXT    NOT NULL DEFAULT '',
    prefix_list  TEXT    NOT NULL DEFAULT '',
    peer_group   TEXT    NOT NULL DEFAULT '',
    peer_account TEXT    NOT NULL DEFAULT '',
    description  TEXT    NOT NULL DEFAULT '',
    PRIMARY KEY (account, region, id),
    FOREIGN KEY (account, region, group_id) REFERENCES security_group (account, region, id)
        ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

-- Zones that an account was given a default subnet in: one that it deletes does not come back.
CREATE TABLE network_zone (
    account TEXT NOT NULL,
    region  TEXT NOT NULL,
    zone    TEXT NOT NULL,
    PRIMARY KEY (account, region, zone)
) STRICT, WITHOUT ROWID;

CREATE TABLE subnet_group (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    account     TEXT    NOT NULL,
    region      TEXT    NOT NULL,
    name        TEXT    NOT NULL,
    description TEXT    NOT NULL,
    vpc_id      TEXT    NOT NULL,
    created_ms  INTEGER NOT NULL,
    UNIQUE (account, region, name)
) STRICT;

CREATE TABLE subnet_group_subnet (
    group_id  INTEGER NOT NULL REFERENCES subnet_group (id) ON DELETE CASCADE,
    position  INTEGER NOT NULL, -- a node stands in the first subnet of its zone
    subnet_id TEXT    NOT NULL,
    PRIMARY KEY (group_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX cache_cluster_subnet_group ON cache_cluster (account, region, subnet_group);
