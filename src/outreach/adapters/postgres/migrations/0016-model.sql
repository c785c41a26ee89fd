-- What people were told of and is not over, and how often each tenant's model was asked.

-- What was made of a reply, by whom, with a model's own words, and what was drafted.
ALTER TABLE gold_communication_log ADD COLUMN ai_analysis jsonb;

-- Ids and times only, of any tenant: no policy.
CREATE TABLE incidents (
  kind text NOT NULL,
  about text NOT NULL,
  raised_on timestamptz NOT NULL DEFAULT clock_timestamp(),
  told_on timestamptz,
  PRIMARY KEY (kind, about)
);

CREATE TABLE model_calls (
  tenant_id uuid PRIMARY KEY REFERENCES tenants,
  minute_began timestamptz NOT NULL,
  in_minute integer NOT NULL DEFAULT 0,
  day_began timestamptz NOT NULL,
  in_day integer NOT NULL DEFAULT 0
);
ALTER TABLE model_calls ENABLE ROW LEVEL SECURITY;
ALTER TABLE model_calls FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON model_calls USING (tenant_id = current_tenant())
  WITH CHECK (tenant_id = current_tenant());

GRANT SELECT, INSERT, UPDATE, DELETE ON incidents TO outreach_worker, outreach_web;
GRANT SELECT, INSERT, UPDATE ON model_calls TO outreach_worker, outreach_web;
