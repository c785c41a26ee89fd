-- Many messages in one call.

-- The provider's campaign that the lead was added to: doubts are looked up by it.
ALTER TABLE attempts ADD COLUMN provider_campaign text NOT NULL DEFAULT '';

-- Of the call that was counted last: its other messages are no further calls.
ALTER TABLE sender_signs ADD COLUMN token bigint NOT NULL DEFAULT 0;

-- What a provider lets an account do. Ids, figures and times only, and no policy: a
-- claim reads them of all tenants, as it reads lanes.
CREATE TABLE account_gates (
  account_id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  rate double precision NOT NULL DEFAULT 0 CHECK (rate >= 0),  -- calls a second; 0: any
  burst integer NOT NULL DEFAULT 1 CHECK (burst >= 1),
  level double precision NOT NULL DEFAULT 1,                   -- calls left at level_on
  level_on timestamptz NOT NULL DEFAULT clock_timestamp(),     -- machine time
  per_day integer NOT NULL DEFAULT 0 CHECK (per_day >= 0),     -- messages; 0: any
  per_month integer NOT NULL DEFAULT 0 CHECK (per_month >= 0),
  told boolean NOT NULL DEFAULT false,          -- the vendor tells what it counts
  opens_at timestamptz NOT NULL DEFAULT '-infinity'  -- engine time: a plan is full
) WITH (fillfactor = 50);

-- Messages of each period: day:2026-12-01 or month:2026-12, of UTC and engine time.
CREATE TABLE account_use (
  account_id uuid NOT NULL,
  tenant_id uuid NOT NULL REFERENCES tenants,
  period text NOT NULL,
  used integer NOT NULL DEFAULT 0,
  told_used integer,    -- by the vendor, when told_at and ours was told_base
  told_limit integer,
  told_at timestamptz,
  told_base integer,
  warned boolean NOT NULL DEFAULT false,
  PRIMARY KEY (account_id, period)
) WITH (fillfactor = 50);
ALTER TABLE account_use ENABLE ROW LEVEL SECURITY;
ALTER TABLE account_use FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON account_use USING (tenant_id = current_tenant())
  WITH CHECK (tenant_id = current_tenant());
GRANT SELECT, INSERT, UPDATE ON account_gates, account_use
  TO outreach_worker, outreach_web;

-- The day under which the attempt counts in its account's plan; NULL: in none (any more).
ALTER TABLE attempts ADD COLUMN plan_day date;
