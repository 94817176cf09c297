-- Who leads: of all control planes that ever worked with this database the one that raised the epoch last. Every transaction
-- asks; agents refuse orders of a lower epoch. One row.
CREATE TABLE leader (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    epoch INTEGER NOT NULL,
    instance INTEGER NOT NULL, -- another number with each start; 0: nobody has led yet
    process TEXT NOT NULL,     -- that leads, as the machine tells it from all others
    has_lock INTEGER NOT NULL, -- and it holds the lock of the folder: who gets that finds it dead
    deposed_by INTEGER NOT NULL DEFAULT 0 -- the epoch of another one that hosts obey since, which works with another database; 0: none
);
INSERT INTO leader (id, epoch, instance, process, has_lock) VALUES (1, 0, 0, '', 1);
