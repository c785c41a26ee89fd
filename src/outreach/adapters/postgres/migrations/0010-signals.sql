-- What the end of a call said of its sender, until it is carried out by the duty SIGNAL
-- of the attempt; why is the attempt's detail.
ALTER TABLE attempts ADD COLUMN signal text, ADD COLUMN signal_until timestamptz;
