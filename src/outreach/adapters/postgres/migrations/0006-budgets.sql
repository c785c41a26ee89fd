-- Further budgets of a phone: off where there is no limit.

ALTER TABLE wa_phone_numbers
  ADD COLUMN total_per_day integer CHECK (total_per_day >= 1),
  ADD COLUMN unanswered_per_month integer CHECK (unanswered_per_month >= 1),
  ADD COLUMN company_per_month integer CHECK (company_per_month >= 1),
  ADD COLUMN domain_per_day integer CHECK (domain_per_day >= 1),
  ADD COLUMN campaign_new_per_day integer CHECK (campaign_new_per_day >= 1);

-- Nothing leaves before: the phone's day is used up.
ALTER TABLE lanes
  ADD COLUMN budget_gate_at timestamptz NOT NULL DEFAULT '-infinity';

-- The day under which the guard counts what a message took of any budget.
ALTER TABLE attempts ADD COLUMN budget_day date;

-- One row per phone, budget and period. It is compared and raised under its lock, in
-- the commit that arms a send; nothing ever counts.
CREATE TABLE budget_use (
  tenant_id uuid NOT NULL,
  sender_id uuid NOT NULL,
  key text NOT NULL,
  used integer NOT NULL DEFAULT 0 CHECK (used >= 0),
  limit_told integer NOT NULL,
  ends_at timestamptz NOT NULL,
  PRIMARY KEY (sender_id, key),
  FOREIGN KEY (tenant_id, sender_id) REFERENCES wa_phone_numbers (tenant_id, id)
) WITH (fillfactor = 70);
CREATE INDEX budget_use_ended ON budget_use (sender_id, ends_at);

-- Which message holds a unit of which budget, and by which attempt.
CREATE TABLE budget_units (
  tenant_id uuid NOT NULL,
  sender_id uuid NOT NULL,
  key text NOT NULL,
  intent_id uuid NOT NULL,
  attempt_id uuid NOT NULL,
  PRIMARY KEY (sender_id, key, intent_id),
  FOREIGN KEY (sender_id, key) REFERENCES budget_use (sender_id, key) ON DELETE CASCADE
);
CREATE INDEX budget_units_attempt ON budget_units (attempt_id);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['budget_use', 'budget_units'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY tenant ON %I USING (tenant_id = current_tenant())
                    WITH CHECK (tenant_id = current_tenant())', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I
                    TO outreach_worker, outreach_web', name);
  END LOOP;
END
$$;
