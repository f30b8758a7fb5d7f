-- What a message asks of whom it came to, and what it answers. ask: each, first (the first of a group
-- is enough); NULL where nobody asks, also in rows of earlier versions. acknowledged_by: NULL by this
-- computer, else somebody else of the group. reminders: how often its relay reminded of it.
ALTER TABLE received ADD COLUMN ask TEXT;
ALTER TABLE received ADD COLUMN acknowledged_at INTEGER;
ALTER TABLE received ADD COLUMN acknowledged_by TEXT;
ALTER TABLE received ADD COLUMN note TEXT;
ALTER TABLE received ADD COLUMN reminders INTEGER NOT NULL DEFAULT 0;
ALTER TABLE received ADD COLUMN reply_to_mid TEXT;
CREATE INDEX received_reply ON received (relay, reply_to_mid) WHERE reply_to_mid IS NOT NULL;

-- One that was reminded of is due a notification although it was read.
DROP INDEX received_unnotified;
CREATE INDEX received_unnotified ON received (id)
    WHERE notified_at IS NULL AND (read_at IS NULL OR reminders > 0) AND deleted_at IS NULL;

-- What its relay is to be told of a message, until it has answered: one report a message, the one that
-- says most. A new one has a new number, as a line tells each number once. state: dismissed, read,
-- acknowledged.
CREATE TABLE report (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    relay   INTEGER NOT NULL REFERENCES relay,
    mid     TEXT NOT NULL,
    state   TEXT NOT NULL,
    note    TEXT,
    made_at INTEGER NOT NULL,
    UNIQUE (relay, mid)
);

-- Who took a message that has not come yet: it waits at the relay behind the receipt. name: as
-- acknowledged_by.
CREATE TABLE taken (
    relay INTEGER NOT NULL REFERENCES relay,
    mid   TEXT NOT NULL,
    name  TEXT,
    at    INTEGER NOT NULL,
    note  TEXT,
    UNIQUE (relay, mid)
);
