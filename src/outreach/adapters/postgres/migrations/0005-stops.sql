-- Stops, the breaker, and the counts of a campaign's mail that it is judged by.

-- What a provider must be told not to send any more. `about` is an attempt, or the
-- campaign that is paused. A duty of kind STOP repeats it until it is confirmed.
CREATE TABLE stops (
  id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  tenant_id uuid NOT NULL REFERENCES tenants,
  account_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('WITHDRAW', 'BLOCK', 'PAUSE')),
  about uuid NOT NULL,
  lead_id uuid,
  cause text NOT NULL,
  caused_at timestamptz NOT NULL,
  tries integer NOT NULL DEFAULT 0,
  detail text NOT NULL DEFAULT '',
  alerted_at timestamptz,
  confirmed_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (account_id, kind, about)
);
CREATE INDEX stops_unconfirmed ON stops (tenant_id, caused_at)
  WHERE confirmed_at IS NULL;

-- A campaign's mail per day (UTC) and account, in stripes.
CREATE TABLE campaign_mail (
  tenant_id uuid NOT NULL REFERENCES tenants,
  campaign_id uuid NOT NULL REFERENCES campaigns,
  account_id uuid NOT NULL,
  day date NOT NULL,
  stripe smallint NOT NULL,
  sent integer NOT NULL DEFAULT 0,
  delivered integer NOT NULL DEFAULT 0,
  bounced integer NOT NULL DEFAULT 0,
  complained integer NOT NULL DEFAULT 0,
  PRIMARY KEY (campaign_id, day, account_id, stripe)
) WITH (fillfactor = 50);

-- Which mails came back or were complained about: each counts once.
CREATE TABLE mail_faults (
  tenant_id uuid NOT NULL REFERENCES tenants,
  attempt_id uuid NOT NULL REFERENCES attempts,
  fault text NOT NULL CHECK (fault IN ('BOUNCED', 'COMPLAINED')),
  at timestamptz NOT NULL,
  PRIMARY KEY (attempt_id, fault)
);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['stops', 'campaign_mail', 'mail_faults'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY tenant ON %I USING (tenant_id = current_tenant())
                    WITH CHECK (tenant_id = current_tenant())', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I
                    TO outreach_worker, outreach_web', name);
  END LOOP;
END
$$;
-- A pause ends with the breaker that asked for it.
GRANT DELETE ON stops TO outreach_worker, outreach_web;

-- One call may carry many messages: the lane goes on when each has its outcome.
ALTER TABLE lanes ALTER COLUMN calling TYPE uuid[]
  USING CASE WHEN calling IS NOT NULL THEN ARRAY[calling] END;

-- Up to when a message may leave, also when it is given to its provider again.
ALTER TABLE attempts ADD COLUMN valid_until timestamptz;

ALTER TABLE switches DROP CONSTRAINT switches_scope_check;
ALTER TABLE switches ADD CONSTRAINT switches_scope_check
  CHECK (scope IN ('ALL', 'TENANT', 'CHANNEL', 'SENDER', 'CAMPAIGN'));
