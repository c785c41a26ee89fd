-- Sentences about leads that people approve. The rules are domain/intro.py's.

CREATE FUNCTION intro_doc(n intros) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_build_object('id', n.id, 'intent', n.intent_id, 'lead', n.lead_id,
    'template', n.template_id, 'version', n.version_number, 'label', n.label,
    'state', n.state, 'text', n.text, 'flaws', to_jsonb(n.flaws), 'doubt', n.doubt,
    'by', n.written_by, 'raw', n.raw, 'made_at', n.made_at,
    'decided_by', n.decided_by, 'decided_at', n.decided_at);

-- Numbers of the texts of a template that are in force.
CREATE FUNCTION numbers_of(t outreach_templates) RETURNS integer[]
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT CASE WHEN t.versions = '[]' THEN ARRAY[t.version] ELSE ARRAY(
    SELECT (x ->> 'number')::integer FROM jsonb_array_elements(t.versions) AS x) END
$$;

-- Whether it can still come into a message: that waits, was not tried, and has the text.
CREATE FUNCTION is_needed(n intros, i intents) RETURNS boolean
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT i.id IS NOT NULL AND i.last_n = 0 AND i.status IN ('WAITING', 'HELD')
     AND EXISTS (SELECT FROM outreach_templates t
                  WHERE t.id = n.template_id AND t.is_active
                    AND n.version_number = ANY (numbers_of(t)))
$$;

-- The label of the text that a lead gets, where more than the draw says so: it was
-- sent that before, or that has won. As in domain/sequence.py, for_lead().
CREATE FUNCTION label_due(t outreach_templates, p_lead uuid) RETURNS text
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT x ->> 'label' FROM jsonb_array_elements(t.versions) AS x
   WHERE x ->> 'label' IN (t.winner, (SELECT u.label FROM template_uses u
           WHERE u.lead_id = p_lead AND u.template_id = t.id AND u.sent))
   ORDER BY x ->> 'label' = t.winner LIMIT 1
$$;

-- Messages that wait, with a place for an intro that is not written yet.
CREATE FUNCTION wanted_intros(p_limit integer) RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_templates uuid[];
  v_steps uuid[];
BEGIN
  SELECT array_agg(t.id), ARRAY(
      SELECT s.step_id FROM outreach_sequence_steps s
       WHERE s.template_name = ANY (array_agg(t.name))
          OR s.fallback_template_name = ANY (array_agg(t.name)))
    INTO v_templates, v_steps FROM outreach_templates t
   WHERE t.tenant_id = current_tenant() AND t.is_active AND t.is_approved
     AND t.content || t.versions::text LIKE '%ai\_intro%';
  IF v_templates IS NULL THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT case_doc(w.id) FROM (
    SELECT i.id, i.due_at
      FROM intents i
      JOIN sequence_enrollments e ON e.id = i.enrollment_id AND e.status = 'ACTIVE'
      JOIN gold_lead_journey j ON j.id = i.lead_id
      JOIN LATERAL (
        SELECT t.* FROM outreach_sequence_steps s
          JOIN outreach_templates t ON t.tenant_id = i.tenant_id AND t.is_active
           AND t.name IN (s.template_name, s.fallback_template_name)
         WHERE s.sequence_id = e.sequence_id AND s.version = e.sequence_version
           AND s.step_id = i.step_id AND t.channel = i.channel
         ORDER BY t.name <> s.template_name LIMIT 1) AS found ON true
      JOIN outreach_templates t ON t.id = found.id
     WHERE i.tenant_id = current_tenant() AND i.status = 'WAITING'
       AND i.step_id = ANY (v_steps)  -- most messages are of others
       AND i.body = '' AND i.last_n = 0 AND t.id = ANY (v_templates)
       AND NOT j.opted_out AND NOT j.is_human_controlled
       AND NOT EXISTS (
         SELECT FROM intros n
          WHERE n.intent_id = i.id AND n.template_id = t.id
            AND n.version_number = ANY (numbers_of(t))
            AND n.label = coalesce(label_due(t, i.lead_id), n.label))
     ORDER BY i.due_at, i.id LIMIT p_limit) AS w
   ORDER BY w.due_at, w.id;
END
$$;

-- How many; one that is there stays as it is.
CREATE FUNCTION keep_intros(p_intros jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_kept integer;
BEGIN
  INSERT INTO intros (id, tenant_id, lead_id, intent_id, template_id, version_number,
                      label, state, text, flaws, doubt, written_by, raw, made_at,
                      decided_by, decided_at)
  SELECT n.id, current_tenant(), n.lead_id, n.intent_id, n.template_id,
         n.version_number, n.label, n.state, n.text, n.flaws, n.doubt, n.written_by,
         n.raw, n.made_at, n.decided_by, n.decided_at
    FROM jsonb_populate_recordset(NULL::intros, p_intros) AS n
   ORDER BY n.id
  ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS v_kept = ROW_COUNT;
  RETURN v_kept;
END
$$;

-- What a person decided, if the intro is as it was shown and its message was not tried
-- yet. A message that waited for nothing else goes on at once. In the order of send.sql.
CREATE FUNCTION decide_intro(p_before jsonb, p_after jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  a intros := jsonb_populate_record(NULL::intros, p_after);
  v_intent intents;
  v_there intros;
BEGIN
  PERFORM FROM gold_lead_journey
   WHERE tenant_id = current_tenant() AND id = a.lead_id FOR UPDATE;
  SELECT * INTO v_intent FROM intents
   WHERE tenant_id = current_tenant() AND id = a.intent_id FOR UPDATE;
  SELECT * INTO v_there FROM intros
   WHERE id = a.id AND tenant_id = current_tenant() AND state <> 'APPROVED'
     AND state = p_before ->> 'state' AND text = p_before ->> 'text' FOR UPDATE;
  IF NOT FOUND THEN
    RETURN 'STALE';
  END IF;
  IF a.state = 'APPROVED' AND NOT is_needed(v_there, v_intent) THEN
    RETURN 'SENT';
  END IF;
  UPDATE intros
     SET state = a.state, text = a.text, flaws = a.flaws, doubt = a.doubt,
         written_by = a.written_by, decided_by = a.decided_by,
         decided_at = a.decided_at
   WHERE id = a.id;
  IF a.state = 'APPROVED' THEN
    -- No draft that was decided without it is armed.
    UPDATE gold_lead_journey SET version = version + 1, updated_at = clock_timestamp()
     WHERE id = a.lead_id;
  END IF;
  IF a.state = 'APPROVED' AND v_intent.status = 'WAITING'
     AND v_intent.last_reason = 'INTRO_PENDING' THEN
    PERFORM lock_lanes(ARRAY[v_intent.lane_id]);
    UPDATE intents SET due_at = least(due_at, engine_now()),
           updated_at = clock_timestamp()
     WHERE id = v_intent.id;
    PERFORM refresh_lane(v_intent.lane_id);
  END IF;
  RETURN 'KEPT';
END
$$;

-- With what a person looks at.
CREATE FUNCTION intro_view(n intros) RETURNS jsonb
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT jsonb_build_object('intro', intro_doc(n), 'company', d.company_name,
    'contact', d.contact_name, 'template', coalesce(t.name, ''),
    'step', coalesce(i.step_number, 0), 'due_at', i.due_at)
    FROM leads d
    LEFT JOIN intents i ON i.id = n.intent_id
    LEFT JOIN outreach_templates t ON t.id = n.template_id
   WHERE d.id = n.lead_id
$$;
