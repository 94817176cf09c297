-- The last term by which a replica's link was up, since its engine began; 0: it never was.
--   saw  (node_saw.followed_term)   written by fleet
ALTER TABLE node_saw ADD COLUMN followed_term INTEGER NOT NULL DEFAULT 0;
