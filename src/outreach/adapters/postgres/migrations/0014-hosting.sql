-- Campaigns that providers run for us: one per account, campaign, step and zones.

CREATE TABLE provider_campaigns (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id uuid NOT NULL REFERENCES tenants,
  account_id uuid NOT NULL,
  campaign_id uuid NOT NULL REFERENCES campaigns,
  step_id uuid NOT NULL,
  window_key text NOT NULL,
  ref text NOT NULL DEFAULT '',
  -- why it takes no leads; NULL: it does
  hold text DEFAULT 'ABSENT',
  says text NOT NULL DEFAULT '',
  until timestamptz,
  -- when everything is due that was moved for want of it
  waits_until timestamptz,
  -- a person closed the breaker, and it was not started since
  resume boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (account_id, campaign_id, step_id, window_key)
) WITH (fillfactor = 70);
CREATE INDEX provider_campaigns_of ON provider_campaigns (campaign_id);

-- What a provider has counted since a campaign began, as of the last reading of a day
-- (UTC).
CREATE TABLE provider_counts (
  tenant_id uuid NOT NULL REFERENCES tenants,
  provider_campaign_id uuid NOT NULL REFERENCES provider_campaigns,
  day date NOT NULL,
  contacted integer NOT NULL,
  bounced integer NOT NULL,
  PRIMARY KEY (provider_campaign_id, day)
);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['provider_campaigns', 'provider_counts'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY tenant ON %I USING (tenant_id = current_tenant())
                    WITH CHECK (tenant_id = current_tenant())', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I
                    TO outreach_worker, outreach_web', name);
  END LOOP;
END
$$;
