-- What the calls of each sender say of it; one row per sender, written with each call.

CREATE TABLE sender_signs (
  sender_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  calls text NOT NULL DEFAULT '',  -- the last 50, oldest first; U: without an outcome
  pause_day date,                  -- the phone's own, which pauses counts
  pauses integer NOT NULL DEFAULT 0,
  doubtful_at timestamptz,
  unanswered integer NOT NULL DEFAULT 0,
  unanswered_since timestamptz,
  refused_since timestamptz,
  FOREIGN KEY (tenant_id, sender_id) REFERENCES wa_phone_numbers (tenant_id, id)
) WITH (fillfactor = 50);
ALTER TABLE sender_signs ENABLE ROW LEVEL SECURITY;
ALTER TABLE sender_signs FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON sender_signs USING (tenant_id = current_tenant())
  WITH CHECK (tenant_id = current_tenant());
GRANT SELECT, INSERT, UPDATE ON sender_signs TO outreach_worker, outreach_web;
