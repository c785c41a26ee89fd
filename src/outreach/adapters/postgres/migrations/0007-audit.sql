-- What an audit reads by its time, what it must know beside, and what it found.

-- The lead's state at T1: who may be written to on which channel (INV-8).
ALTER TABLE attempts ADD COLUMN lead_state text NOT NULL DEFAULT '';
CREATE INDEX attempts_called ON attempts (tenant_id, called_at);
-- In the order of their times on disk, so that a summary per range is enough.
CREATE INDEX communication_log_when ON gold_communication_log USING brin (created_at)
  WITH (autosummarize = on);
CREATE INDEX event_keys_received ON event_keys USING brin (received_at)
  WITH (autosummarize = on);
CREATE INDEX transition_log_at ON transition_log USING brin (at)
  WITH (autosummarize = on);

-- A lead that moved to another phone (INV-13).
CREATE TABLE reassignments (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL,
  lead_id uuid NOT NULL,
  phone_before uuid NOT NULL,
  phone_after uuid,
  at timestamptz NOT NULL,
  caused_by text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  FOREIGN KEY (tenant_id, lead_id) REFERENCES gold_lead_journey (tenant_id, lead_id)
);
CREATE INDEX reassignments_lead ON reassignments (lead_id, at);

CREATE TYPE audit_finding AS (name text, subject text, detail text, sender uuid);

-- One row per audit: at is engine time, made_on the server's clock.
CREATE TABLE audits (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  at timestamptz NOT NULL,
  made_on timestamptz NOT NULL DEFAULT clock_timestamp(),
  made_by text NOT NULL,
  found integer NOT NULL,
  fresh integer NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX audits_last ON audits (tenant_id, id DESC);

CREATE TABLE audit_breaches (
  tenant_id uuid NOT NULL REFERENCES tenants,
  name text NOT NULL,
  subject text NOT NULL,
  detail text NOT NULL,
  sender_id uuid,
  found_at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, name, subject)
);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['reassignments', 'audits', 'audit_breaches'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY tenant ON %I USING (tenant_id = current_tenant())
                    WITH CHECK (tenant_id = current_tenant())', name);
    EXECUTE format('GRANT SELECT, INSERT ON %I TO outreach_worker, outreach_web', name);
  END LOOP;
  EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I
                  TO outreach_worker, outreach_web', current_schema());
END
$$;
