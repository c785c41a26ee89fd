-- What people see: the queue, why nothing is sent, and the figures.
CREATE FUNCTION review_view(r human_review_queue) RETURNS jsonb
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT jsonb_build_object('item', review_doc(r), 'company', d.company_name,
    'contact', d.contact_name, 'state', j.current_state, 'now', engine_now(),
    'recipient', coalesce((SELECT c.value FROM contact_points c
      WHERE c.lead_id = d.id AND c.kind IN ('phone', 'email')
      ORDER BY (c.kind = 'email') = (wrote_doc(d.id) ->> 'channel'
        IN ('EMAIL_COLD', 'EMAIL_WARM')) DESC NULLS LAST, c.kind DESC, c.rank
      LIMIT 1), ''))
    FROM leads d JOIN gold_lead_journey j ON j.id = d.id WHERE d.id = r.lead_journey_id
$$;

-- The conversation and the audit log of an item, oldest first.
CREATE FUNCTION review_story(r human_review_queue) RETURNS jsonb
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT jsonb_build_object(
    'lines', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', g.created_at,
        'inbound', g.direction = 'INBOUND', 'channel', g.channel,
        'text', coalesce(g.content_rendered, g.content, ''),
        'status', CASE WHEN g.direction = 'OUTBOUND' THEN g.status ELSE '' END)
        ORDER BY g.created_at, g.id), '[]')
      FROM gold_communication_log g WHERE g.lead_journey_id = r.lead_journey_id),
    'audit', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', h.performed_at,
        'action', h.action, 'by', h.performed_by,
        'before', coalesce(h.previous_state, ''),
        'after', coalesce(h.new_state, ''), 'notes', h.notes) ORDER BY h.id), '[]')
      FROM hitl_audit_log h WHERE h.review_id = r.id))
$$;

-- Takes an item for a person, or renews their claim; false: another one has it.
CREATE FUNCTION claim_review(p_review uuid, p_who text, p_lease interval)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  r human_review_queue;
  v_now timestamptz := engine_now();
BEGIN
  SELECT * INTO r FROM human_review_queue WHERE id = p_review FOR UPDATE;
  IF NOT FOUND OR r.status = 'RESOLVED'
     OR (r.claimed_until > v_now AND r.claimed_by IS DISTINCT FROM p_who) THEN
    RETURN false;
  END IF;
  UPDATE human_review_queue
     SET claimed_by = p_who, claimed_until = v_now + p_lease,
         assigned_at = coalesce(assigned_at, v_now),
         status = CASE status WHEN 'PENDING' THEN 'ASSIGNED' ELSE status END,
         version = version + 1, updated_at = clock_timestamp()
   WHERE id = p_review;
  INSERT INTO hitl_audit_log (tenant_id, review_id, action, performed_by, performed_at,
                              previous_state, new_state)
  SELECT current_tenant(), p_review, 'CLAIMED', p_who, v_now, r.status, q.status
    FROM human_review_queue q WHERE q.id = p_review;
  RETURN true;
END
$$;

-- A lead with what waits, what was decided, and why nothing waits.
CREATE FUNCTION explain_doc(p_lead uuid) RETURNS jsonb
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS $$
  SELECT jsonb_build_object(
    'name', coalesce(nullif(d.company_name, ''), d.contact_name),
    'state', j.current_state, 'now', engine_now(),
    'cases', (SELECT coalesce(jsonb_agg(case_doc(i.id) ORDER BY i.due_at, i.id), '[]')
      FROM intents i WHERE i.lead_id = d.id AND i.status IN ('WAITING', 'HELD')),
    'recorded', (SELECT coalesce(jsonb_agg(jsonb_build_object('intent', c.intent_id,
        'number', coalesce(i.step_number, 0), 'decision', c.doc,
        'outcome', coalesce(a.outcome, c.outcome), 'attempt', c.attempt_id,
        'through', coalesce(s.provider || ', ' || s.number, '')) ORDER BY c.id), '[]')
      FROM decisions c
      LEFT JOIN intents i ON i.id = c.intent_id
      LEFT JOIN attempts a ON a.id = c.attempt_id
      LEFT JOIN senders s ON s.id = a.sender_id
     WHERE c.lead_id = d.id),
    'passed', (SELECT coalesce(jsonb_agg(jsonb_build_object('at', m.at,
        'intent', m.intent_id, 'sender', m.sender_id, 'number', s.number,
        'provider', s.provider, 'why', m.why) ORDER BY m.id), '[]')
      FROM mail_moves m JOIN senders s ON s.id = m.sender_id WHERE m.lead_id = d.id),
    'ended', coalesce((SELECT coalesce(nullif(e.stop_reason, ''), e.status)
      FROM sequence_enrollments e WHERE e.lead_journey_id = d.id
      ORDER BY e.skipped, e.enrolled_at DESC, e.id DESC LIMIT 1), 'never enrolled'))
    FROM leads d JOIN gold_lead_journey j ON j.id = d.id WHERE d.id = p_lead
$$;

-- Lanes as people look at them: the rows, and per lane the size of an index range.
CREATE FUNCTION lane_docs(p_lane uuid) RETURNS SETOF jsonb
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS $$
  SELECT jsonb_build_object('sender', sender_doc(p), 'now', clock.at,
    'token', l.token, 'owner', coalesce(l.owner, ''), 'lease_until', l.lease_until,
    'call_until', l.call_deadline,
    'gate_at', CASE WHEN l.gate_at > clock.at THEN l.gate_at END,
    'new_gate_at', CASE WHEN l.new_gate_at > clock.at THEN l.new_gate_at END,
    'backoff_until', CASE WHEN l.backoff_until > clock.at THEN l.backoff_until END,
    'room_at', (SELECT bucket_opens(g) FROM account_gates g
                 WHERE g.account_id = l.account_id),
    'away_until', away_until(l),
    'plan', full_plan_doc(l.account_id),
    'backoffs', l.backoffs, 'wake_at', l.wake_at, 'depth', coalesce(line.depth, '{}'),
    'oldest_due', line.oldest,
    'opens_at', (SELECT CASE WHEN min(w.opens_at) > clock.at THEN min(w.opens_at) END
      FROM lane_windows w WHERE w.lane_id = l.id AND EXISTS (
        SELECT FROM intents i WHERE i.lane_id = l.id AND i.status = 'WAITING'
           AND i.window_key = w.window_key)))
    FROM senders p
    JOIN lanes l ON l.id = p.id
    CROSS JOIN LATERAL (SELECT engine_now() AS at) AS clock
    LEFT JOIN LATERAL (
      SELECT jsonb_object_agg(n.send_class, n.times) AS depth, min(n.oldest) AS oldest
        FROM (SELECT send_class, count(*) AS times, min(due_at) AS oldest
                FROM intents i WHERE i.lane_id = l.id AND i.status = 'WAITING'
               GROUP BY send_class) AS n) AS line ON true
   WHERE p.tenant_id = current_tenant() AND (p_lane IS NULL OR p.id = p_lane)
   ORDER BY p.number COLLATE "C"
$$;

CREATE FUNCTION tallied(p_kind text) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN (
    SELECT coalesce(jsonb_object_agg(n.name, n.times), '{}') FROM (
      SELECT name, sum(times) AS times FROM tallies
       WHERE tenant_id = current_tenant() AND kind = p_kind GROUP BY name) AS n);
END
$$;

-- Figures of a whole run: each an incremental counter or the size of an index.
CREATE FUNCTION summary_doc() RETURNS jsonb
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT jsonb_build_object(
    'imported', coalesce((tallied('lead') ->> '')::bigint, 0),
    'enrolled', coalesce((tallied('enrolment') ->> '')::bigint, 0),
    'passed', tallied('passed'),
    'health', (SELECT coalesce(jsonb_object_agg(n.state, n.times), '{}') FROM (
      SELECT doc ->> 'state' AS state, count(*) AS times FROM health_docs() AS doc
       GROUP BY 1) AS n),
    'breaches', tallied('breach'), 'sent', tallied('sent'), 'replies', tallied('reply'), 'skipped', tallied('skip'),
    'deferred', tallied('decision') - 'OK',
    'events', (SELECT coalesce(jsonb_object_agg(n.type, n.times), '{}') FROM (
      SELECT c.type, sum(c.times) AS times FROM event_counts c
        JOIN provider_accounts a ON a.provider = c.provider AND a.name = c.account
       WHERE a.tenant_id = current_tenant() GROUP BY c.type) AS n),
    'reviews', (SELECT coalesce(jsonb_object_agg(n.priority, n.times), '{}') FROM (
      SELECT priority, count(*) AS times FROM human_review_queue
       WHERE tenant_id = current_tenant() GROUP BY priority) AS n),
    'suppressed', (SELECT count(*) FROM suppressions
      WHERE tenant_id = current_tenant()),
    'unknown', (SELECT count(*) FROM attempts WHERE tenant_id = current_tenant()
      AND outcome IN ('UNKNOWN', 'ABANDONED')),
    'phones', (SELECT coalesce(jsonb_agg(jsonb_build_array(p.phone_number,
        coalesce(q.new, 0), coalesce(q.others, 0), p.daily_quota_limit)
        ORDER BY p.phone_number), '[]')
      FROM wa_phone_numbers p
      LEFT JOIN LATERAL (
        SELECT sum(u.new_contacts_sent) AS new, sum(u.followups_sent) AS others
          FROM wa_quota_usage u WHERE u.phone_id = p.id) AS q ON true),
    'waiting', (SELECT coalesce(jsonb_object_agg(n.send_class, n.times), '{}') FROM (
      SELECT send_class, count(*) AS times FROM intents
       WHERE tenant_id = current_tenant() AND status IN ('WAITING', 'HELD')
       GROUP BY send_class) AS n))
$$;

-- Partitions ----------------------------------------------------------------------

-- Makes the monthly partitions of the log and of raw events for the month of p_at and
-- p_months after it; answers how many were made. Partitions are the owner's, so this
-- runs with the owner's rights: it does this one thing, within bounds, for our roles.
CREATE FUNCTION ensure_partitions(p_at timestamptz, p_months integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path FROM CURRENT
AS $$
DECLARE
  v_parent text;
  v_month date;
  v_name text;
  v_made integer := 0;
BEGIN
  IF p_months NOT BETWEEN 0 AND 24
     OR p_at NOT BETWEEN '2000-01-01' AND '2200-01-01' THEN
    RAISE EXCEPTION 'partitions for % months from %: at most 24, this side of 2200',
      p_months, p_at USING ERRCODE = 'invalid_parameter_value';
  END IF;
  PERFORM pg_advisory_xact_lock(hashtextextended('partitions', 7));
  FOREACH v_parent IN ARRAY ARRAY['gold_communication_log', 'raw_events'] LOOP
    FOR v_month IN
      SELECT (date_trunc('month', p_at AT TIME ZONE 'UTC')
              + make_interval(months => n))::date FROM generate_series(0, p_months) AS n
    LOOP
      v_name := v_parent || to_char(v_month, '_YYYYMM');
      CONTINUE WHEN to_regclass(format('%I.%I', current_schema(), v_name)) IS NOT NULL;
      BEGIN
        EXECUTE format(
          'CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)', v_name,
          v_parent, v_month::timestamp AT TIME ZONE 'UTC',
          (v_month + interval '1 month') AT TIME ZONE 'UTC');
      EXCEPTION WHEN check_violation THEN
        -- The default partition holds rows of this month: they stay there.
        CONTINUE;
      END;
      EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', v_name);
      EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', v_name);
      IF v_parent = 'gold_communication_log' THEN
        EXECUTE format('CREATE POLICY tenant ON %I
          USING (tenant_id = current_tenant())
          WITH CHECK (tenant_id = current_tenant())', v_name);
      END IF;
      v_made := v_made + 1;
    END LOOP;
  END LOOP;
  RETURN v_made;
END
$$;
DO $$
BEGIN
  -- Nobody's temporary tables come first.
  EXECUTE format('ALTER FUNCTION ensure_partitions(timestamptz, integer)
    SET search_path = %I, pg_temp', current_schema());
END
$$;
REVOKE EXECUTE ON FUNCTION ensure_partitions(timestamptz, integer) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION ensure_partitions(timestamptz, integer)
  TO outreach_worker, outreach_web;

-- Whether rows went to a default partition because no month was made for them.
CREATE FUNCTION default_partition_used() RETURNS boolean
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT pg_relation_size('gold_communication_log_default') > 0
      OR pg_relation_size('raw_events_default') > 0
$$;
