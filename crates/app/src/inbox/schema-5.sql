-- By which of this computer's relays it was joined last (an id of the settings). NULL in rows of
-- earlier versions, until that relay is connected to; its address stands for it so long.
ALTER TABLE relay ADD COLUMN joined TEXT;
-- sent.relay is such an id from now on: it was the host's name, which is what ids were made of, or
-- this for the relay hosted here.
UPDATE sent SET relay = 'hosted' WHERE relay = 'hosted here';
CREATE INDEX sent_queued ON sent (relay, id) WHERE progress = 'queued';
