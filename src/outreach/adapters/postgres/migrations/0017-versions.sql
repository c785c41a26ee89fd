-- Versions of a template run beside each other, and are counted.

ALTER TABLE outreach_templates
  -- [{label, content, subject, weight, number}]; none: the one text is all there is
  ADD COLUMN versions jsonb NOT NULL DEFAULT '[]',
  -- number from which texts have the versions and weights of today
  ADD COLUMN since integer NOT NULL DEFAULT 1,
  ADD COLUMN winner text NOT NULL DEFAULT '',
  ADD COLUMN picked_by text NOT NULL DEFAULT '',
  ADD COLUMN picked_at timestamptz;

-- Every text that was ever in force.
ALTER TABLE template_versions RENAME TO template_texts;
ALTER TABLE template_texts
  DROP COLUMN times_used, DROP COLUMN opens, DROP COLUMN replies,
  DROP COLUMN conversions,
  ADD COLUMN id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE;
UPDATE template_texts SET version_label = 'A' WHERE version_label = '';

-- Which version of a template a lead was sent first, and what it did then.
CREATE TABLE template_uses (
  tenant_id uuid NOT NULL REFERENCES tenants,
  lead_id uuid NOT NULL,
  template_id uuid NOT NULL,
  version_number integer NOT NULL,
  label text NOT NULL,
  attempt_id uuid NOT NULL,
  used_at timestamptz NOT NULL,
  sent boolean NOT NULL DEFAULT false,
  opened boolean NOT NULL DEFAULT false,
  replied boolean NOT NULL DEFAULT false,
  positive boolean NOT NULL DEFAULT false,
  converted boolean NOT NULL DEFAULT false,
  PRIMARY KEY (lead_id, template_id)
) WITH (fillfactor = 80);

-- Sums of the uses of each text, in stripes.
CREATE TABLE version_counts (
  tenant_id uuid NOT NULL REFERENCES tenants,
  template_id uuid NOT NULL,
  version_number integer NOT NULL,
  stripe smallint NOT NULL,
  sent integer NOT NULL,
  opens integer NOT NULL,
  replies integer NOT NULL,
  positive integer NOT NULL,
  conversions integer NOT NULL,
  PRIMARY KEY (template_id, version_number, stripe)
) WITH (fillfactor = 50);

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['template_uses', 'version_counts'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY tenant ON %I USING (tenant_id = current_tenant())
                    WITH CHECK (tenant_id = current_tenant())', name);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE ON %I
                    TO outreach_worker, outreach_web', name);
  END LOOP;
END
$$;

-- Under the name that people know, with its figures.
CREATE VIEW template_versions WITH (security_invoker = true) AS
  SELECT x.id, x.tenant_id, x.template_id, x.version_number, x.version_label,
         x.subject, x.content, x.weight, coalesce(c.sent, 0) AS times_used,
         coalesce(c.opens, 0) AS opens, coalesce(c.replies, 0) AS replies,
         coalesce(c.positive, 0) AS positive_replies,
         coalesce(c.conversions, 0) AS conversions, x.created_at
    FROM template_texts x
    LEFT JOIN LATERAL (
      SELECT sum(n.sent) AS sent, sum(n.opens) AS opens, sum(n.replies) AS replies,
             sum(n.positive) AS positive, sum(n.conversions) AS conversions
        FROM version_counts n
       WHERE n.template_id = x.template_id AND n.version_number = x.version_number
    ) AS c ON true;
GRANT SELECT ON template_versions TO outreach_worker, outreach_web;
