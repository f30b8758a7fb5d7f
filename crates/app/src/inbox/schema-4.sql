-- What is searched. It holds no text of its own, only where which word stands; deleted rows stay in
-- it as long as they can be restored. Its columns have names of their own, as the two are joined. `spaced` is ours (see search.rs): it cuts to what is looked at,
-- and parts what is written without spaces. The prefixes are those that somebody who types comes by
-- first, and that most words share: without them the first letters would be the slowest search.
CREATE VIRTUAL TABLE search USING fts5 (
    heading, words, who,
    content = '', contentless_delete = 1,
    tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3'
);
INSERT INTO search (rowid, heading, words, who)
    SELECT id, spaced(title), spaced(body), spaced(sender) FROM received;
CREATE TRIGGER received_comes AFTER INSERT ON received BEGIN
    INSERT INTO search (rowid, heading, words, who)
        VALUES (new.id, spaced(new.title), spaced(new.body), spaced(new.sender));
END;
CREATE TRIGGER received_goes AFTER DELETE ON received BEGIN
    DELETE FROM search WHERE rowid = old.id;
END;

-- One index for each thing that the list is filtered by, in the order it is read.
CREATE INDEX received_sender ON received (sender, id) WHERE deleted_at IS NULL;
CREATE INDEX received_group ON received ("group", id)
    WHERE deleted_at IS NULL AND "group" IS NOT NULL;
CREATE INDEX received_relay ON received (relay, id) WHERE deleted_at IS NULL;
CREATE INDEX received_important ON received (id) WHERE deleted_at IS NULL AND priority >= 4;
-- For the counts beside senders, groups and relays, which cost what is unread.
CREATE INDEX received_unread_from ON received (sender, "group", relay)
    WHERE read_at IS NULL AND deleted_at IS NULL;
-- For what is swept: deleted a while ago, or too old.
CREATE INDEX received_deleted ON received (deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX received_at ON received (received_at) WHERE deleted_at IS NULL;
