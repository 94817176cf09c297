-- Updates that are applied unasked, and when nodes went over to builds.
--   want  (update_action.is_automatic, cache_node.booted_ms)
--   saw   (node_saw.build_ms)                                  written by fleet

-- An action whose operation_id is 0 waits for its maintenance window.
ALTER TABLE update_action ADD COLUMN is_automatic INTEGER NOT NULL DEFAULT 0;
ALTER TABLE cache_node ADD COLUMN booted_ms INTEGER NOT NULL DEFAULT 0; -- told to begin anew
ALTER TABLE node_saw ADD COLUMN build_ms INTEGER NOT NULL DEFAULT 0;    -- first seen with its build
