-- Many messages in one call.

-- Of the call that was counted last: its other messages are no further calls.
ALTER TABLE sender_signs ADD COLUMN token bigint NOT NULL DEFAULT 0;
