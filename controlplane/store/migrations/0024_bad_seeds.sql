-- Engines that cannot load what they are to begin with.
--   saw   (node_saw.has_bad_seed)   written by fleet
ALTER TABLE node_saw ADD COLUMN has_bad_seed INTEGER NOT NULL DEFAULT 0;
