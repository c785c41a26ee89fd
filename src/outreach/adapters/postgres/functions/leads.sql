-- Leads in, sequences, and who is enrolled in what.

-- A lead with its contact points, as the domain knows it.
CREATE FUNCTION stored_lead(d leads) RETURNS jsonb
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT lead_doc(d) || jsonb_build_object('id', d.id, 'run', d.import_id,
    'points', (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', c.kind,
        'value', c.value, 'facts', c.facts) ORDER BY c.kind, c.rank), '[]')
      FROM contact_points c WHERE c.tenant_id = d.tenant_id AND c.lead_id = d.id))
$$;

-- Ids of the leads that hold any of these keys; a probe per key, whatever the planner
-- knows of the table.
CREATE FUNCTION holders(p_kinds text[], p_values text[]) RETURNS uuid[]
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN ARRAY(
    SELECT DISTINCT held.lead_id FROM unnest(p_kinds, p_values) AS k (kind, value)
     CROSS JOIN LATERAL (
       SELECT c.lead_id FROM contact_points c
        WHERE c.tenant_id = current_tenant() AND c.kind = k.kind AND c.value = k.value
        LIMIT 1) AS held);
END
$$;

CREATE FUNCTION leads_with(p_kinds text[], p_values text[]) RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
  v_ids uuid[] := holders(p_kinds, p_values);
BEGIN
  RETURN QUERY
  SELECT stored_lead(d) FROM leads d WHERE d.id = ANY (v_ids) ORDER BY d.id;
END
$$;

-- Leads that hold any of these keys, or whose ids are in this range.
CREATE FUNCTION find_leads(p_kinds text[], p_values text[], p_first uuid, p_last uuid,
                           p_limit integer)
RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
  v_ids uuid[] := holders(p_kinds, p_values);
BEGIN
  v_ids := v_ids || ARRAY(
    SELECT r.id FROM leads r
     WHERE r.tenant_id = current_tenant() AND r.id BETWEEN p_first AND p_last
     ORDER BY r.id LIMIT p_limit);
  RETURN QUERY
  SELECT stored_lead(d) FROM leads d WHERE d.id = ANY (v_ids)
   ORDER BY d.id LIMIT p_limit;
END
$$;

-- Stores new and changed leads with their keys; a journey begins with its lead.
CREATE FUNCTION keep_leads(p_leads jsonb, p_run uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_new bigint;
BEGIN
  INSERT INTO leads AS d (id, tenant_id, company_name, contact_name, cui, caen, county,
    city, country, language, time_zone, zones, email_status, phone_status, source,
    legal_basis, tags, custom_fields, import_id, version)
  SELECT x.id, current_tenant(), x.company_name, x.contact_name, x.cui, x.caen,
         x.county, x.city, x.country, x.language, x.time_zone, x.zones,
         x.email_status, x.phone_status, x.source, x.legal_basis, x.tags, x.custom,
         p_run, x.version
    FROM jsonb_to_recordset(p_leads) AS x (id uuid, company_name text,
      contact_name text, cui text, caen text, county text, city text, country text,
      language text, time_zone text, zones text[], email_status text,
      phone_status text, source text, legal_basis text, tags jsonb, custom jsonb,
      version integer)
  ON CONFLICT (id) DO UPDATE SET company_name = excluded.company_name,
    contact_name = excluded.contact_name, cui = excluded.cui, caen = excluded.caen,
    county = excluded.county, city = excluded.city, country = excluded.country,
    language = excluded.language, time_zone = excluded.time_zone,
    zones = excluded.zones, email_status = excluded.email_status,
    phone_status = excluded.phone_status, source = excluded.source,
    legal_basis = excluded.legal_basis, tags = excluded.tags,
    custom_fields = excluded.custom_fields, import_id = excluded.import_id,
    version = excluded.version, updated_at = clock_timestamp();
  INSERT INTO contact_points (tenant_id, kind, value, lead_id, rank, facts)
  SELECT current_tenant(), p ->> 0, p ->> 1, (l ->> 'id')::uuid, (p ->> 2)::integer,
         p -> 3
    FROM jsonb_array_elements(p_leads) AS l, jsonb_array_elements(l -> 'points') AS p
  ON CONFLICT (tenant_id, kind, value) DO NOTHING;
  WITH begun AS (
    INSERT INTO gold_lead_journey (id, tenant_id, lead_id)
    SELECT x.id, current_tenant(), x.id
      FROM jsonb_to_recordset(p_leads) AS x (id uuid)
    ON CONFLICT (id) DO NOTHING RETURNING id
  )
  SELECT count(*) INTO v_new FROM begun;
  PERFORM tally('lead', '', v_new) WHERE v_new > 0;
END
$$;

-- Leads that a campaign has not looked at, by id. A page reads on from where the last
-- one ended and probes lead by lead: many pages never cost more than all leads once.
CREATE FUNCTION enrollable(p_campaign uuid, p_after uuid, p_limit integer)
RETURNS SETOF jsonb
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT stored_lead(d.lead) || jsonb_build_object('journey', journey_doc(j),
    'consents', consent_docs(d.id),
    'suppressed', EXISTS (
      SELECT FROM contact_points c
        JOIN suppressions s ON (s.kind, s.value) IN (
          (c.kind, c.value), ('domain', split_part(c.value, '@', 2)),
          ('email', mailbox(c.value)))
       WHERE c.tenant_id = current_tenant() AND c.lead_id = d.id AND c.kind <> 'cui'))
    FROM (SELECT x AS lead, x.id FROM leads x
           WHERE x.tenant_id = current_tenant()
             AND x.id > coalesce(p_after, '00000000-0000-0000-0000-000000000000')
             AND (SELECT count(*) FROM sequence_enrollments e
                   WHERE e.campaign_id = p_campaign AND e.lead_journey_id = x.id) = 0
           ORDER BY x.id LIMIT p_limit) AS d
    JOIN gold_lead_journey j ON j.id = d.id
   ORDER BY d.id
$$;

-- Enrols leads with their first messages; one answer per lead, in order. False: the
-- lead has a live enrolment, or was in this campaign before.
CREATE FUNCTION enroll(p_campaign uuid, p_batch jsonb) RETURNS boolean[]
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_sequence outreach_sequences;
  v_now timestamptz := engine_now();
  v_done uuid[];
  v_steps integer;
  v_lane uuid;
  v_due timestamptz;
BEGIN
  SELECT q.* INTO v_sequence FROM campaigns c
    JOIN outreach_sequences q ON q.id = c.sequence_id WHERE c.id = p_campaign;
  SELECT count(*) INTO v_steps FROM outreach_sequence_steps s
   WHERE s.sequence_id = v_sequence.id AND s.version = v_sequence.version;
  PERFORM FROM gold_lead_journey
    WHERE id IN (SELECT (x ->> 'lead')::uuid FROM jsonb_array_elements(p_batch) AS x)
    ORDER BY id FOR UPDATE;
  INSERT INTO send_windows (tenant_id, key, zones, country)
  SELECT DISTINCT ON (x ->> 'window') current_tenant(), x ->> 'window',
         ARRAY(SELECT jsonb_array_elements_text(x -> 'zones')), x ->> 'country'
    FROM jsonb_array_elements(p_batch) AS x
  ON CONFLICT (tenant_id, key) DO NOTHING;
  WITH enrolled AS (
    INSERT INTO sequence_enrollments (id, tenant_id, lead_journey_id, sequence_id,
      sequence_version, campaign_id, window_key, window_why, total_steps, status,
      enrolled_at, next_step_at, stopped_at, stop_reason, skipped)
    SELECT x.id, current_tenant(), j.id, v_sequence.id, v_sequence.version, p_campaign,
           x.window, x.why, v_steps,
           CASE WHEN x.first IS NULL THEN 'STOPPED' ELSE 'ACTIVE' END, v_now,
           (x.first ->> 'due_at')::timestamptz,
           CASE WHEN x.first IS NULL THEN v_now END, x.skipped, x.first IS NULL
      FROM jsonb_to_recordset(p_batch) AS x (id uuid, lead uuid, "window" text,
             why text, first jsonb, skipped text)
      JOIN gold_lead_journey j ON j.id = x.lead
    ON CONFLICT DO NOTHING RETURNING id
  )
  SELECT coalesce(array_agg(id), '{}') INTO v_done FROM enrolled;
  INSERT INTO intents (id, tenant_id, lead_id, enrollment_id, step_id, step_number,
    send_class, channel, lane_id, window_key, due_at)
  SELECT (x.first ->> 'id')::uuid, current_tenant(), x.lead, x.id,
         (x.first ->> 'step')::uuid, (x.first ->> 'number')::integer,
         (x.first ->> 'class')::smallint, x.first ->> 'channel', p.id, x.window,
         (x.first ->> 'due_at')::timestamptz
    FROM jsonb_to_recordset(p_batch) AS x (id uuid, lead uuid, "window" text,
           first jsonb)
    JOIN gold_lead_journey j ON j.id = x.lead
    LEFT JOIN senders p ON p.id = own_sender(j, x.first ->> 'channel')
      AND p.status NOT IN ('BANNED', 'RETIRED')
   WHERE x.first IS NOT NULL AND x.id = ANY (v_done);
  UPDATE gold_lead_journey j
     SET current_sequence_id = v_sequence.id, sequence_started_at = v_now,
         sequence_step = 0, next_action_at = (x.first ->> 'due_at')::timestamptz,
         updated_at = clock_timestamp()
    FROM jsonb_to_recordset(p_batch) AS x (id uuid, lead uuid, first jsonb)
   WHERE x.first IS NOT NULL AND x.id = ANY (v_done) AND j.id = x.lead;
  UPDATE outreach_sequences q
     SET total_leads_enrolled = q.total_leads_enrolled + n.live
    FROM (SELECT count(*) AS live FROM jsonb_to_recordset(p_batch) AS x (id uuid,
            first jsonb) WHERE x.first IS NOT NULL AND x.id = ANY (v_done)) AS n
   WHERE q.id = v_sequence.id AND n.live > 0;
  PERFORM tally(n.kind, n.name, n.times) FROM (
    SELECT CASE WHEN x.first IS NULL THEN 'skip' ELSE 'enrolment' END AS kind,
           CASE WHEN x.first IS NULL THEN x.skipped ELSE '' END AS name,
           count(*) AS times
      FROM jsonb_to_recordset(p_batch) AS x (id uuid, first jsonb, skipped text)
     WHERE x.id = ANY (v_done) GROUP BY 1, 2) AS n;
  PERFORM lock_lanes(ARRAY(SELECT i.lane_id FROM intents i
                            WHERE i.enrollment_id = ANY (v_done)));
  FOR v_lane IN
    SELECT DISTINCT i.lane_id FROM intents i
     WHERE i.enrollment_id = ANY (v_done) AND i.lane_id IS NOT NULL ORDER BY 1
  LOOP
    INSERT INTO lane_windows (lane_id, window_key)
    SELECT DISTINCT v_lane, i.window_key FROM intents i
     WHERE i.enrollment_id = ANY (v_done) AND i.lane_id = v_lane
    ON CONFLICT DO NOTHING;
    PERFORM refresh_lane(v_lane);
  END LOOP;
  SELECT min(i.due_at) INTO v_due FROM intents i
   WHERE i.enrollment_id = ANY (v_done) AND i.lane_id IS NULL;
  PERFORM want_dispatch(v_due);
  RETURN ARRAY(SELECT (x ->> 'id')::uuid = ANY (v_done)
                 FROM jsonb_array_elements(p_batch) WITH ORDINALITY AS t (x, n)
                ORDER BY n);
END
$$;

-- WhatsApp messages after the first that a sequence may come to (Sequence.followups).
CREATE FUNCTION followups_of(q outreach_sequences) RETURNS integer
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT greatest(0, count(*)::integer - 1) FROM outreach_sequence_steps s
   WHERE s.sequence_id = q.id AND s.version = q.version
     AND (coalesce(s.channel, q.primary_channel) = 'WHATSAPP'
          OR (q.fallback_channel = 'WHATSAPP' AND s.fallback_template_name IS NOT NULL))
$$;

-- The most follow-ups of any campaign that has leads nobody has written to; NULL: there
-- is none, or one was enrolled over the phones' capacity for a recorded reason.
CREATE FUNCTION longest_followups() RETURNS integer
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN (
    SELECT CASE WHEN count(c.override_reason) = 0 THEN max(followups_of(q)) END
      FROM campaigns c
      JOIN outreach_sequences q ON q.id = c.sequence_id
     WHERE c.tenant_id = current_tenant()
       AND (SELECT true FROM sequence_enrollments e
             WHERE e.campaign_id = c.id AND e.status = 'ACTIVE' AND e.current_step = 0
             LIMIT 1));
END
$$;

-- Stores a template as it shall be; every text is kept.
CREATE FUNCTION keep_template(t jsonb) RETURNS void
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS $$
  INSERT INTO outreach_templates (id, tenant_id, name, channel, subject, content,
    variables, language, version, is_approved, versions, since, winner, picked_by)
  VALUES ((t ->> 'id')::uuid, current_tenant(), t ->> 'name', t ->> 'channel',
    t ->> 'subject', t ->> 'content', t -> 'variables', t ->> 'language',
    (t ->> 'version')::integer, (t ->> 'approved')::boolean, t -> 'versions',
    (t ->> 'since')::integer, t ->> 'winner', t ->> 'picked_by')
  ON CONFLICT (id) DO UPDATE SET channel = excluded.channel,
    subject = excluded.subject, content = excluded.content,
    variables = excluded.variables, language = excluded.language,
    version = excluded.version, is_approved = excluded.is_approved, is_active = true,
    versions = excluded.versions, since = excluded.since, winner = excluded.winner,
    picked_by = excluded.picked_by, updated_at = clock_timestamp();
  INSERT INTO template_texts (tenant_id, template_id, version_number, version_label,
                              subject, content, weight)
  SELECT current_tenant(), (t ->> 'id')::uuid, (x ->> 'number')::integer,
         x ->> 'label', x ->> 'subject', x ->> 'content', (x ->> 'weight')::integer
    FROM jsonb_array_elements(t -> 'texts') AS x
  ON CONFLICT (template_id, version_number) DO NOTHING
$$;

-- Stores a sequence as it shall be; its steps under the new version.
CREATE FUNCTION keep_sequence(q jsonb) RETURNS void
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS $$
  INSERT INTO outreach_sequences (id, tenant_id, name, description, primary_channel,
    fallback_channel, respect_business_hours, timezone, stop_on_reply, stop_on_bounce,
    max_attempts, silence, version)
  VALUES ((q ->> 'id')::uuid, current_tenant(), q ->> 'name', q ->> 'description',
    q ->> 'primary', q ->> 'fallback', (q ->> 'respect_hours')::boolean,
    q ->> 'time_zone', (q ->> 'stop_on_reply')::boolean,
    (q ->> 'stop_on_bounce')::boolean, (q ->> 'max_attempts')::integer,
    make_interval(secs => (q ->> 'silence')::double precision),
    (q ->> 'version')::integer)
  ON CONFLICT (id) DO UPDATE SET description = excluded.description,
    primary_channel = excluded.primary_channel,
    fallback_channel = excluded.fallback_channel,
    respect_business_hours = excluded.respect_business_hours,
    timezone = excluded.timezone, stop_on_reply = excluded.stop_on_reply,
    stop_on_bounce = excluded.stop_on_bounce, max_attempts = excluded.max_attempts,
    silence = excluded.silence, version = excluded.version,
    updated_at = clock_timestamp();
  INSERT INTO outreach_sequence_steps (tenant_id, sequence_id, version, step_number,
    step_id, delay_hours, delay_minutes, delay_seconds, channel, template_id,
    template_name, fallback_template_name, skip_if_replied, skip_if_opened)
  SELECT current_tenant(), (q ->> 'id')::uuid, (q ->> 'version')::integer,
         (s ->> 'number')::integer, (s ->> 'id')::uuid, (s ->> 'hours')::integer,
         (s ->> 'minutes')::integer, (s ->> 'seconds')::double precision,
         s ->> 'channel', t.id, s ->> 'template', s ->> 'fallback',
         (s ->> 'skip_replied')::boolean, (s ->> 'skip_opened')::boolean
    FROM jsonb_array_elements(q -> 'steps') AS s
    LEFT JOIN outreach_templates t
      ON t.tenant_id = current_tenant() AND t.name = s ->> 'template'
$$;
