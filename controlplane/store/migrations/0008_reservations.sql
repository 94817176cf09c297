-- Nodes that an account reserved. What the offering was is kept: prices of later catalogues do not matter.
CREATE TABLE reservation (
    account          TEXT    NOT NULL,
    region           TEXT    NOT NULL,
    name             TEXT    NOT NULL,
    offering_id      TEXT    NOT NULL,
    node_type        TEXT    NOT NULL,
    product          TEXT    NOT NULL,
    type             TEXT    NOT NULL,
    duration_s       INTEGER NOT NULL,
    fixed_micros     INTEGER NOT NULL, -- millionths of a dollar
    recurring_micros INTEGER NOT NULL,
    count            INTEGER NOT NULL,
    start_ms         INTEGER NOT NULL,
    PRIMARY KEY (account, region, name)
) STRICT, WITHOUT ROWID;
