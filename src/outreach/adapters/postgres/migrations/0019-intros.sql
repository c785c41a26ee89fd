-- Sentences about leads, written ahead by a model and approved by people.

-- One per message and number of its text. intent_id is a name, and no key: a message
-- that was planned can be taken back.
CREATE TABLE intros (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  lead_id uuid NOT NULL,
  intent_id uuid NOT NULL,
  template_id uuid NOT NULL,
  version_number integer NOT NULL,
  label text NOT NULL DEFAULT '',
  state text NOT NULL
    CHECK (state IN ('PROPOSED', 'UNFIT', 'APPROVED', 'REJECTED')),
  text text NOT NULL DEFAULT '',
  flaws text[] NOT NULL DEFAULT '{}',
  doubt text,
  written_by text NOT NULL DEFAULT '',
  raw text NOT NULL DEFAULT '',
  made_at timestamptz NOT NULL,
  decided_by text NOT NULL DEFAULT '',
  decided_at timestamptz,
  UNIQUE (intent_id, template_id, version_number),
  CHECK (state <> 'APPROVED'
         OR (text <> '' AND decided_by <> '' AND decided_at IS NOT NULL)),
  FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id)
);
CREATE INDEX intros_state ON intros (tenant_id, state);

ALTER TABLE intros ENABLE ROW LEVEL SECURITY;
ALTER TABLE intros FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON intros USING (tenant_id = current_tenant())
  WITH CHECK (tenant_id = current_tenant());
-- What was approved is frozen, whoever asks.
CREATE POLICY frozen ON intros AS RESTRICTIVE FOR UPDATE
  USING (tenant_id = current_tenant() AND state <> 'APPROVED')
  WITH CHECK (tenant_id = current_tenant());
GRANT SELECT, INSERT, UPDATE ON intros TO outreach_worker;
GRANT SELECT ON intros TO outreach_web;
