-- What people agreed to, the link each mail carried, and addresses that came back.

-- One row per time somebody was asked. It counts once it is confirmed, and until it is
-- withdrawn; domain/consent.py has the rule.
CREATE TABLE consents (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  lead_id uuid NOT NULL,
  channel text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('ASKED', 'PROVEN')),
  address text NOT NULL,
  text text NOT NULL,
  source text NOT NULL,
  recorded_by text NOT NULL,
  asked_at timestamptz NOT NULL,
  confirmed_at timestamptz,
  withdrawn_at timestamptz,
  withdrawn_by text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  CHECK (kind <> 'PROVEN' OR confirmed_at IS NOT NULL),
  FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id)
);
CREATE INDEX consents_lead ON consents (tenant_id, lead_id, asked_at);

ALTER TABLE consents ENABLE ROW LEVEL SECURITY;
ALTER TABLE consents FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON consents USING (tenant_id = current_tenant())
  WITH CHECK (tenant_id = current_tenant());
GRANT SELECT, INSERT, UPDATE ON consents TO outreach_worker, outreach_web;

-- A mail that is given to its provider again must be the same to the last header.
ALTER TABLE attempts ADD COLUMN unsubscribe text NOT NULL DEFAULT '';

-- What the address was called before its mail came back; a person may take that back.
ALTER TABLE mail_faults ADD COLUMN status_before text;
GRANT DELETE ON mail_faults TO outreach_worker, outreach_web;

-- ana+offers@example.com is ana@example.com: whoever suppresses one means the person.
CREATE INDEX contact_points_mailbox ON contact_points
  (tenant_id, regexp_replace(value, '^([^+@]+)[+][^@]*@', '\1@'))
  WHERE kind = 'email';
