-- What answers show of an operation until it is done, in the words of group_pending (model/group.h).
--   want  (pending)   written by ops, with the operation

ALTER TABLE group_operation ADD COLUMN pending TEXT NOT NULL DEFAULT '';
