-- A relay, by the id it gives itself, else by its address; the address is the last one seen.
CREATE TABLE relay (
    id      INTEGER PRIMARY KEY,
    key     TEXT NOT NULL UNIQUE,
    address TEXT NOT NULL
);

-- Times are milliseconds since 1970. A deleted row stays a while: it can be restored, and its mid
-- is still known should the relay repeat it.
CREATE TABLE received (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    relay       INTEGER NOT NULL REFERENCES relay,
    mid         TEXT NOT NULL,
    ref         TEXT,
    method      TEXT NOT NULL,
    sender      TEXT NOT NULL,
    "group"     TEXT,
    title       TEXT NOT NULL,
    body        TEXT NOT NULL,
    preview     TEXT NOT NULL,
    extra       TEXT NOT NULL,
    priority    INTEGER NOT NULL,
    link        TEXT,
    received_at INTEGER NOT NULL,
    notified_at INTEGER,
    read_at     INTEGER,
    deleted_at  INTEGER,
    UNIQUE (relay, mid)
);
CREATE UNIQUE INDEX received_ref ON received (relay, sender, ref) WHERE ref IS NOT NULL;
CREATE INDEX received_shown ON received (id) WHERE deleted_at IS NULL;
CREATE INDEX received_unread ON received (id) WHERE read_at IS NULL AND deleted_at IS NULL;
CREATE INDEX received_unnotified ON received (id)
    WHERE notified_at IS NULL AND read_at IS NULL AND deleted_at IS NULL;

-- progress: queued, sending, sending-ref (the relay would recognise a repeat), answered, unknown,
-- failed.
CREATE TABLE sent (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    ref        TEXT NOT NULL UNIQUE,
    kind       TEXT NOT NULL,
    target     TEXT NOT NULL,
    title      TEXT NOT NULL,
    body       TEXT NOT NULL,
    priority   INTEGER NOT NULL,
    link       TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    progress   TEXT NOT NULL,
    reason     TEXT,
    mid        TEXT
);
CREATE INDEX sent_waiting ON sent (id) WHERE progress IN ('queued', 'sending', 'sending-ref');

CREATE TABLE outcome (
    sent     INTEGER NOT NULL REFERENCES sent ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    status   TEXT NOT NULL,
    PRIMARY KEY (sent, position)
) WITHOUT ROWID;
