-- What a message's extra says that lists, filters and notifications need; the rest is read from
-- extra itself. held: paused, hours, desktop (until that is over), muted, expired: why it was not
-- raised on its own. outcome: what came of its notification.
ALTER TABLE received ADD COLUMN key TEXT;
ALTER TABLE received ADD COLUMN expires_at INTEGER;
ALTER TABLE received ADD COLUMN held TEXT;
ALTER TABLE received ADD COLUMN superseded_by INTEGER;
ALTER TABLE received ADD COLUMN outcome TEXT;
CREATE INDEX received_key ON received (relay, sender, key)
    WHERE key IS NOT NULL AND superseded_by IS NULL;

CREATE TABLE tag (
    message  INTEGER NOT NULL REFERENCES received ON DELETE CASCADE,
    position INTEGER NOT NULL,
    name     TEXT NOT NULL,
    PRIMARY KEY (message, position)
) WITHOUT ROWID;
CREATE INDEX tag_name ON tag (name, message);

-- What the person allowed a sender: links of a scheme, requests to a host.
CREATE TABLE consent (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    relay    INTEGER NOT NULL REFERENCES relay,
    sender   TEXT NOT NULL,
    kind     TEXT NOT NULL,
    what     TEXT NOT NULL,
    given_at INTEGER NOT NULL,
    UNIQUE (relay, sender, kind, what)
);
