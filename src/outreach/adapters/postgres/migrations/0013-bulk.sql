-- Many messages in one call.

-- The provider's campaign that the lead was added to: doubts are looked up by it.
ALTER TABLE attempts ADD COLUMN provider_campaign text NOT NULL DEFAULT '';

-- Of the call that was counted last: its other messages are no further calls.
ALTER TABLE sender_signs ADD COLUMN token bigint NOT NULL DEFAULT 0;
