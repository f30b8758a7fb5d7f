-- A message has one parcel for each person or group it is for: what the protocol calls a MESSAGE, with
-- a ref and an outcome of its own. Their numbers are the order in which they go out.
ALTER TABLE outcome RENAME TO outcome_5;
ALTER TABLE sent RENAME TO sent_5;
DROP INDEX sent_waiting;
DROP INDEX sent_queued;

-- tags: JSON. ask: nobody, each, first. reply_to: the received message it answers, which may be gone;
-- reply: the relay's id of that one; quote: what stands of it before the body.
CREATE TABLE sent (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    title      TEXT NOT NULL,
    body       TEXT NOT NULL,
    priority   INTEGER NOT NULL,
    link       TEXT NOT NULL,
    written_at INTEGER NOT NULL,
    tags       TEXT NOT NULL DEFAULT '[]',
    ttl        INTEGER,
    due        INTEGER,
    ask        TEXT NOT NULL DEFAULT 'nobody',
    repeat     INTEGER,
    key        TEXT NOT NULL DEFAULT '',
    reply_to   INTEGER,
    reply      TEXT,
    quote      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX sent_reply ON sent (reply) WHERE reply IS NOT NULL;
CREATE INDEX sent_reply_to ON sent (reply_to) WHERE reply_to IS NOT NULL;

-- progress: queued, sending, sending-ref (the relay would recognise a repeat), answered, unknown,
-- failed, cancelled. gone: it is queued, and may have reached the relay before, under its ref.
-- relay: NULL in rows of version 1, see there.
CREATE TABLE parcel (
    id        INTEGER PRIMARY KEY AUTOINCREMENT,
    sent      INTEGER NOT NULL REFERENCES sent ON DELETE CASCADE,
    relay     TEXT,
    ref       TEXT NOT NULL UNIQUE,
    kind      TEXT NOT NULL,
    target    TEXT NOT NULL,
    queued_at INTEGER NOT NULL,
    progress  TEXT NOT NULL,
    gone      INTEGER NOT NULL DEFAULT 0,
    reason    TEXT,
    mid       TEXT
);
CREATE INDEX parcel_sent ON parcel (sent, id);
CREATE INDEX parcel_queued ON parcel (relay, id) WHERE progress = 'queued';
CREATE INDEX parcel_under_way ON parcel (id) WHERE progress IN ('sending', 'sending-ref');
CREATE INDEX parcel_mid ON parcel (mid) WHERE mid IS NOT NULL;

-- What became of a parcel for each recipient, and how it came to that. delivery: a word of the control
-- API, or one of the protocol that this version does not know.
CREATE TABLE outcome (
    parcel   INTEGER NOT NULL REFERENCES parcel ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    delivery TEXT NOT NULL,
    PRIMARY KEY (parcel, position),
    UNIQUE (parcel, name)
) WITHOUT ROWID;
CREATE TABLE step (
    id       INTEGER PRIMARY KEY,
    parcel   INTEGER NOT NULL REFERENCES parcel ON DELETE CASCADE,
    name     TEXT NOT NULL,
    delivery TEXT NOT NULL,
    at       INTEGER NOT NULL,
    note     TEXT NOT NULL,
    UNIQUE (parcel, name, delivery)
);

-- Messages that are being written: JSON of the control API.
CREATE TABLE draft (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    draft      TEXT NOT NULL,
    changed_at INTEGER NOT NULL
);

INSERT INTO sent (id, title, body, priority, link, written_at)
    SELECT id, title, body, priority, link, written_at FROM sent_5;
INSERT INTO parcel (id, sent, relay, ref, kind, target, queued_at, progress, reason, mid)
    SELECT id, id, relay, ref, kind, target, written_at, progress, reason, mid FROM sent_5;
-- When it came to that is not known: these have no history.
INSERT INTO outcome (parcel, position, name, delivery)
    SELECT sent, position, name, CASE status
        WHEN 'ready' THEN 'waiting' WHEN 'wait' THEN 'waiting'
        WHEN 'ok' THEN 'delivered' WHEN 'fcm-ok-comfirm' THEN 'delivered' WHEN 'webpush-ok' THEN 'delivered'
        WHEN 'fcm-wait' THEN 'pushed' WHEN 'fcm-ok' THEN 'pushed'
        WHEN 'webpush-wait' THEN 'pushed' WHEN 'webpush-send' THEN 'pushed'
        WHEN 'no' THEN 'refused' ELSE status END
    FROM outcome_5;
-- No number is given twice, also not one of a message that is gone.
DELETE FROM sqlite_sequence WHERE name IN ('sent', 'parcel');
INSERT INTO sqlite_sequence (name, seq)
    SELECT new.name, old.seq FROM sqlite_sequence AS old,
        (SELECT 'sent' AS name UNION ALL SELECT 'parcel') AS new
    WHERE old.name = 'sent_5';
DROP TABLE outcome_5;
DROP TABLE sent_5;
