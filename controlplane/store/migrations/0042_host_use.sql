-- What nodes take of their host is kept beside it: hosts may be a thousand and nodes ten thousand, and every placement
-- asks for all of them.

ALTER TABLE host ADD COLUMN used_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE host ADD COLUMN node_count INTEGER NOT NULL DEFAULT 0;

UPDATE host SET
    used_bytes = (SELECT coalesce(sum(g.memory_bytes), 0) FROM node_goal g WHERE g.host_id = host.id),
    node_count = (SELECT count(*) FROM node_goal g WHERE g.host_id = host.id);

CREATE TRIGGER host_use_begins AFTER INSERT ON node_goal BEGIN
    UPDATE host SET used_bytes = used_bytes + NEW.memory_bytes, node_count = node_count + 1 WHERE id = NEW.host_id;
END;

CREATE TRIGGER host_use_changes AFTER UPDATE OF host_id, memory_bytes ON node_goal
WHEN OLD.host_id <> NEW.host_id OR OLD.memory_bytes <> NEW.memory_bytes BEGIN
    UPDATE host SET used_bytes = used_bytes - OLD.memory_bytes, node_count = node_count - 1 WHERE id = OLD.host_id;
    UPDATE host SET used_bytes = used_bytes + NEW.memory_bytes, node_count = node_count + 1 WHERE id = NEW.host_id;
END;

CREATE TRIGGER host_use_ends AFTER DELETE ON node_goal BEGIN
    UPDATE host SET used_bytes = used_bytes - OLD.memory_bytes, node_count = node_count - 1 WHERE id = OLD.host_id;
END;
