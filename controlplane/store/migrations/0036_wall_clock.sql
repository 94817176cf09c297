-- By how much the wall clock is ahead of the boot clock, as of the last write, and in which boot of
-- the machine: see store/wall_clock.c.
CREATE TABLE wall_clock (
    id        INTEGER PRIMARY KEY CHECK (id = 1),
    boot_id   TEXT    NOT NULL,
    offset_ms INTEGER NOT NULL
);
