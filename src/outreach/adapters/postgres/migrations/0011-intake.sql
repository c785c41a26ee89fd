-- Who enrolled more than the phones can keep up with, and why; NULL: nobody.
ALTER TABLE campaigns
  ADD COLUMN override_reason text,
  ADD COLUMN override_by text,
  ADD CHECK ((override_reason IS NULL) = (override_by IS NULL));

-- Campaigns that have leads nobody has written to: one probe each. A run is in it from
-- its enrolment to its first message.
CREATE INDEX enrollment_fresh ON sequence_enrollments (campaign_id)
  WHERE status = 'ACTIVE' AND current_step = 0;
