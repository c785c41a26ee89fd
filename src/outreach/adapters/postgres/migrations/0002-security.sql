-- Who may see what. Tenant tables show nothing until the tenant is set; lanes,
-- duties, event keys, the clock and kept secrets hold no tenant data.

CREATE FUNCTION current_tenant() RETURNS uuid
LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('app.tenant', true), '')::uuid;

DO $$
DECLARE
  name text;
BEGIN
  FOR name IN
    SELECT c.relname FROM pg_class c
      JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
     WHERE c.relnamespace = quote_ident(current_schema())::regnamespace
       AND c.relkind IN ('r', 'p')
       AND c.relname NOT IN ('lanes', 'duties', 'event_keys', 'raw_events',
                             'raw_events_default', 'suppressions', 'switches')
  LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY tenant ON %I USING (tenant_id = current_tenant())
                    WITH CHECK (tenant_id = current_tenant())', name);
  END LOOP;

  -- The operator's own rows (no tenant) are seen by all who have set a tenant.
  FOREACH name IN ARRAY ARRAY['suppressions', 'switches'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY tenant ON %I
      USING (current_tenant() IS NOT NULL
             AND (tenant_id = current_tenant() OR tenant_id IS NULL))
      WITH CHECK (current_tenant() IS NOT NULL
             AND (tenant_id = current_tenant() OR tenant_id IS NULL))', name);
  END LOOP;
END
$$;

-- Raw events have no tenant until they are matched.
ALTER TABLE raw_events_default ENABLE ROW LEVEL SECURITY;
ALTER TABLE raw_events_default FORCE ROW LEVEL SECURITY;
ALTER TABLE raw_events ENABLE ROW LEVEL SECURITY;
ALTER TABLE raw_events FORCE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON raw_events TO outreach_worker
  USING (true) WITH CHECK (true);
CREATE POLICY web_insert ON raw_events FOR INSERT TO outreach_web
  WITH CHECK (tenant_id IS NULL);
CREATE POLICY web_own ON raw_events FOR SELECT TO outreach_web
  USING (tenant_id = current_tenant());

DO $$
BEGIN
  EXECUTE format('GRANT SELECT, INSERT, UPDATE ON ALL TABLES IN SCHEMA %I
                  TO outreach_worker, outreach_web', current_schema());
  EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I
                  TO outreach_worker, outreach_web', current_schema());
END
$$;
-- A planned message goes with the move that planned it, if that is taken back.
GRANT DELETE ON duties, lane_windows, intents, conversations
  TO outreach_worker, outreach_web;
REVOKE UPDATE ON transition_log, sender_log, hitl_audit_log, decisions,
    template_versions, applied_changes
  FROM outreach_worker, outreach_web;
REVOKE INSERT, UPDATE ON engine_clock FROM outreach_web;
