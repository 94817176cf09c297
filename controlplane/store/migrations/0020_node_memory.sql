-- What an engine said to use of memory; written down when it is much more or less than before.
ALTER TABLE node_saw ADD COLUMN used_bytes INTEGER NOT NULL DEFAULT 0;
