-- What runs the nodes of a cache: the bundled engine, or one that hosts have. Chosen when it is made.

ALTER TABLE cache_cluster ADD COLUMN driver TEXT NOT NULL DEFAULT 'bundled'; -- bundled, redis, memcached
ALTER TABLE replication_group ADD COLUMN driver TEXT NOT NULL DEFAULT 'bundled';
