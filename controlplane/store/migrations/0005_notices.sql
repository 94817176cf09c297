-- What topics are still to be told: added with the event (ops, reconcile), removed when it was delivered (notify).

CREATE TABLE notice (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    topic    TEXT    NOT NULL, -- ARN
    message  TEXT    NOT NULL, -- what of whom: '{"ElastiCache:...":"identifier"}'
    chance   TEXT    NOT NULL, -- 32 hexadecimal digits, the same at every attempt
    at_ms    INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0, -- that failed
    due_ms   INTEGER NOT NULL -- wall time of the next one
) STRICT;
CREATE INDEX notice_due ON notice (due_ms);
CREATE INDEX notice_topic ON notice (topic, id);
