-- Placed nodes take processors of their hosts, as their types have them; of what stands already, by its type's size.

ALTER TABLE node_goal ADD COLUMN vcpus INTEGER NOT NULL DEFAULT 0;
ALTER TABLE host ADD COLUMN used_vcpus INTEGER NOT NULL DEFAULT 0;

UPDATE node_goal SET vcpus = (
    SELECT CASE
        WHEN c.memory_most > 0 THEN 0
        WHEN t.type IN ('cache.t1.micro', 'cache.t2.micro', 'cache.t2.small', 'cache.m1.small', 'cache.m1.medium', 'cache.m3.medium') THEN 1
        WHEN t.type = 'cache.m2.xlarge' THEN 2
        WHEN t.type = 'cache.m2.2xlarge' THEN 4
        WHEN t.type IN ('cache.m2.4xlarge', 'cache.c1.xlarge') THEN 8
        WHEN t.type LIKE '%.24xlarge' THEN 96
        WHEN t.type LIKE '%.16xlarge' THEN 64
        WHEN t.type LIKE '%.12xlarge' THEN 48
        WHEN t.type LIKE '%.10xlarge' THEN 40
        WHEN t.type LIKE '%.8xlarge' THEN 32
        WHEN t.type LIKE '%.4xlarge' THEN 16
        WHEN t.type LIKE '%.2xlarge' THEN 8
        WHEN t.type LIKE '%.xlarge' THEN 4
        ELSE 2
    END
    FROM cache_node n JOIN cache_cluster c ON c.id = n.cluster_id
    JOIN (SELECT m.id, coalesce(nullif(m.node_type, ''), k.node_type) AS type FROM cache_node m
          JOIN cache_cluster k ON k.id = m.cluster_id) t ON t.id = n.id
    WHERE n.id = node_goal.node_id);

UPDATE host SET used_vcpus = (SELECT coalesce(sum(g.vcpus), 0) FROM node_goal g WHERE g.host_id = host.id);

CREATE TRIGGER host_vcpus_begin AFTER INSERT ON node_goal BEGIN
    UPDATE host SET used_vcpus = used_vcpus + NEW.vcpus WHERE id = NEW.host_id;
END;

CREATE TRIGGER host_vcpus_change AFTER UPDATE OF host_id, vcpus ON node_goal
WHEN OLD.host_id <> NEW.host_id OR OLD.vcpus <> NEW.vcpus BEGIN
    UPDATE host SET used_vcpus = used_vcpus - OLD.vcpus WHERE id = OLD.host_id;
    UPDATE host SET used_vcpus = used_vcpus + NEW.vcpus WHERE id = NEW.host_id;
END;

CREATE TRIGGER host_vcpus_end AFTER DELETE ON node_goal BEGIN
    UPDATE host SET used_vcpus = used_vcpus - OLD.vcpus WHERE id = OLD.host_id;
END;
