-- Which relay a message was written for: the host of its address, or the one hosted here. NULL in
-- rows of version 1, which did not know; they are for the first relay that takes them.
ALTER TABLE sent ADD COLUMN relay TEXT;
