-- What is for later is found without a look at everything that is queued.
CREATE INDEX sent_due ON sent (due) WHERE due IS NOT NULL;
