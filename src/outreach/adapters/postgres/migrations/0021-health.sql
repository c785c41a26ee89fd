-- How well provider accounts of warm mail serve, and what went on to another one.

-- Of accounts that were ever not well. Ids, figures, times and the adapter's own words
-- only, and no policy: a claim reads them of all tenants, as it reads lanes.
CREATE TABLE account_health (
  account_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  state text NOT NULL DEFAULT 'HEALTHY'
    CHECK (state IN ('HEALTHY', 'AILING', 'AWAY')),
  score smallint NOT NULL DEFAULT 0 CHECK (score BETWEEN 0 AND 8),
  since timestamptz,
  until timestamptz,                 -- engine time; of AWAY: no call before
  tries integer NOT NULL DEFAULT 0,
  why text NOT NULL DEFAULT '',
  refused_at timestamptz,            -- a refusal was counted last
  lane_id uuid,                      -- the claim that tries it
  token bigint NOT NULL DEFAULT 0,
  CHECK ((state = 'AWAY') = (until IS NOT NULL))
) WITH (fillfactor = 50);

-- Messages that left their sender for another one.
CREATE TABLE mail_moves (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  lead_id uuid NOT NULL,
  intent_id uuid NOT NULL,
  sender_id uuid NOT NULL,
  account_id uuid NOT NULL,
  at timestamptz NOT NULL,
  why text NOT NULL
);
CREATE INDEX mail_moves_lead ON mail_moves (lead_id, id);
CREATE INDEX mail_moves_account ON mail_moves (account_id);
ALTER TABLE mail_moves ENABLE ROW LEVEL SECURITY;
ALTER TABLE mail_moves FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON mail_moves USING (tenant_id = current_tenant())
  WITH CHECK (tenant_id = current_tenant());

GRANT SELECT, INSERT, UPDATE ON account_health TO outreach_worker, outreach_web;
GRANT SELECT, INSERT ON mail_moves TO outreach_worker, outreach_web;
