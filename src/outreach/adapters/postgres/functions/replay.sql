-- Stored events looked at again. What these read they read in transactions that cannot
-- write; only replay_parked, which a person asks for, puts anything back.

-- An event as it is read now: is it stored under that address, which lead does it lead
-- to, how was that lead when it was applied, and what was made of it.
CREATE FUNCTION replay_doc(w jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  k event_keys;
  v_hash bigint;
  v_at timestamptz;
  v_known jsonb;
BEGIN
  SELECT * INTO k FROM event_keys WHERE id = (w ->> 'id')::uuid;
  IF w ->> 'stored' <> '' THEN
    v_hash := hashtextextended(w ->> 'stored', 7);
  END IF;
  IF k.status <> 'APPLIED' OR k.lead_id IS NULL THEN
    RETURN jsonb_build_object('same_address', k.address_hash IS NOT DISTINCT FROM v_hash,
                              'known', NULL, 'made', NULL);
  END IF;
  v_known := match_event(k.provider, k.account, w);
  PERFORM set_config('app.tenant', k.tenant_id::text, true);
  SELECT at INTO v_at FROM applied_changes
   WHERE tenant_id = k.tenant_id AND key = 'event/' || k.id;
  RETURN jsonb_build_object(
    'same_address', k.address_hash IS NOT DISTINCT FROM v_hash,
    'known', CASE WHEN (v_known -> 'journey' ->> 'lead')::uuid = k.lead_id
                  THEN as_it_was(v_known, k, v_at, (w ->> 'review')::uuid)
                  ELSE v_known END,
    'made', CASE WHEN v_at IS NOT NULL
                 THEN made_doc(k, v_at, (w ->> 'review')::uuid,
                               (w ->> 'alone')::uuid,
                               (v_known -> 'outbound' ->> 'attempt')::uuid) END);
END
$$;

-- What known_doc says now, with what has changed since the event was committed as it
-- was then: the state is the fold of the moves before it.
CREATE FUNCTION as_it_was(p_known jsonb, k event_keys, p_at timestamptz, p_review uuid)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  j jsonb := p_known -> 'journey';
  v_by text := 'event/' || k.id;
  v_own transition_log;
  v_last transition_log;
  v_heard gold_communication_log;
  v_now timestamptz;
  v_later boolean;
  v_out boolean;
  v_cause text;
  v_review jsonb;
BEGIN
  SELECT * INTO v_own FROM transition_log
   WHERE lead_id = k.lead_id AND caused_by = v_by AND NOT anomaly ORDER BY id LIMIT 1;
  SELECT * INTO v_heard FROM gold_communication_log
   WHERE id = k.id AND created_at = p_at AND lead_journey_id = k.lead_id;
  v_now := coalesce(v_own.at, v_heard.status_updated_at, p_at);
  -- Without a move of its own its row of the log says which moves were before it.
  SELECT * INTO v_last FROM transition_log
   WHERE lead_id = k.lead_id AND NOT anomaly AND caused_by <> v_by
     AND CASE WHEN v_own.id IS NOT NULL THEN id < v_own.id
              WHEN v_heard.id IS NOT NULL THEN created_at < v_heard.updated_at
              ELSE at <= p_at END
   ORDER BY id DESC LIMIT 1;
  v_later := EXISTS (SELECT FROM transition_log
    WHERE lead_id = k.lead_id AND NOT anomaly AND id > coalesce(v_last.id, 0));
  v_out := coalesce((j ->> 'opted_out')::boolean
                    AND (j ->> 'opted_out_at')::timestamptz < v_now, false);
  v_cause := CASE
    WHEN NOT v_later THEN j ->> 'dead_cause'
    WHEN v_last.state_after IS DISTINCT FROM 'DEAD' THEN NULL
    WHEN (j ->> 'opted_out')::boolean
         AND (j ->> 'opted_out_at')::timestamptz <= v_last.at THEN 'OPTED_OUT'
    WHEN v_last.why IN ('hard bounce', 'UNREACHABLE') THEN 'UNREACHABLE'
    WHEN v_last.caused_by = 'sequence' THEN 'NO_ANSWER'
    ELSE 'LOST' END;
  SELECT review_doc(r) || '{"status": "PENDING"}' INTO v_review
    FROM human_review_queue r
   WHERE r.lead_journey_id = k.lead_id AND r.id <> p_review
     AND (r.doc ->> 'opened_at')::timestamptz <= v_now
     AND (r.resolved_at IS NULL OR r.resolved_at > p_at)
     AND NOT EXISTS (SELECT FROM human_review_queue own WHERE own.id = p_review)
   ORDER BY (r.doc ->> 'opened_at')::timestamptz DESC LIMIT 1;
  RETURN p_known || jsonb_build_object(
    'now', v_now,
    'journey', j || jsonb_build_object(
      'state', coalesce(v_own.state_before, v_last.state_after, 'COLD'),
      'state_before', v_last.state_before, 'dead_cause', v_cause,
      'opted_out', v_out,
      'human', (j ->> 'human')::boolean AND was_taken_over(k.lead_id, k.id, p_at)),
    'review', v_review,
    'ai_today', (SELECT count(*) FROM attempts a
      WHERE a.lead_id = k.lead_id AND a.send_class = 1 AND a.called_at < v_now
        AND a.outcome IN ('CALLING', 'ACCEPTED', 'UNKNOWN', 'ABANDONED')
        AND (a.called_at AT TIME ZONE (p_known ->> 'time_zone'))::date
          = (v_now AT TIME ZONE (p_known ->> 'time_zone'))::date),
    'outbound', outbound_then(p_known -> 'outbound', v_now));
END
$$;

-- A person had taken the lead over: they wrote to it, or said so of a review item.
CREATE FUNCTION was_taken_over(p_lead uuid, p_event uuid, p_at timestamptz)
RETURNS boolean
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT EXISTS (SELECT FROM gold_communication_log
                  WHERE lead_journey_id = p_lead AND created_by = 'person'
                    AND created_at <= p_at AND id <> p_event)
      OR EXISTS (SELECT FROM human_review_queue r
                   JOIN hitl_audit_log h ON h.review_id = r.id
                  WHERE r.lead_journey_id = p_lead AND h.performed_at <= p_at
                    AND h.action IN ('TAKEOVER', 'HANDED_OVER'))
$$;

-- The attempt as it stood: what came back later had been taken, and what was settled
-- later had no outcome yet.
CREATE FUNCTION outbound_then(p_outbound jsonb, p_now timestamptz) RETURNS jsonb
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT p_outbound || jsonb_build_object(
      'outcome', CASE
        WHEN a.outcome = 'REFUSED' AND a.detail = 'returned' THEN 'ACCEPTED'
        WHEN a.settled_at >= p_now THEN 'UNKNOWN' ELSE a.outcome END,
      'status', CASE
        WHEN least(g.sent_at, g.delivered_at, g.read_at, g.replied_at, g.bounced_at)
             >= p_now THEN 'UNKNOWN' ELSE g.status END)
    FROM attempts a JOIN gold_communication_log g
      ON g.id = a.id AND g.created_at = a.called_at
   WHERE a.id = (p_outbound ->> 'attempt')::uuid
$$;

-- What is recorded of an applied event. p_review, p_alone: ids that it would have given
-- to a review item and to an answer of its own.
CREATE FUNCTION made_doc(k event_keys, p_at timestamptz, p_review uuid, p_alone uuid,
                         p_attempt uuid)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_by text := 'event/' || k.id;
  v_on timestamptz := coalesce(
    (SELECT updated_at FROM gold_communication_log
      WHERE id = k.id AND created_at = p_at AND lead_journey_id = k.lead_id),
    (SELECT min(created_at) FROM transition_log
      WHERE lead_id = k.lead_id AND caused_by = v_by));
BEGIN
  RETURN (
    SELECT jsonb_build_object(
      'moves', (SELECT coalesce(jsonb_agg(jsonb_build_array(t.state_before,
          t.state_after) ORDER BY t.id), '[]')
        FROM transition_log t
       WHERE t.lead_id = k.lead_id AND t.caused_by = v_by AND NOT t.anomaly),
      'anomaly', coalesce((SELECT t.why FROM transition_log t
        WHERE t.lead_id = k.lead_id AND t.caused_by = v_by AND t.anomaly LIMIT 1), ''),
      'said', (SELECT jsonb_build_object('content', g.content, 'subject', g.subject,
          'analysis', g.ai_analysis)
        FROM gold_communication_log g
       WHERE g.id = k.id AND g.created_at = p_at AND g.lead_journey_id = k.lead_id),
      'asked', coalesce(
        (SELECT CASE WHEN EXISTS (SELECT FROM hitl_audit_log h
              WHERE h.review_id = r.id AND h.action = 'MESSAGE')
            THEN '{"reason": "", "priority": ""}'
            ELSE jsonb_build_object('reason', r.reason, 'priority',
              CASE WHEN r.escalated_at IS NULL THEN r.priority ELSE '' END) END
           FROM human_review_queue r WHERE r.id = p_review),
        (SELECT '{"reason": "", "priority": ""}'::jsonb
           FROM human_review_queue r JOIN hitl_audit_log h ON h.review_id = r.id
          WHERE r.lead_journey_id = k.lead_id AND h.action = 'MESSAGE'
            -- of the same commit, by machine time: engine time may stand still
            AND h.performed_at >= p_at
            AND h.created_at BETWEEN v_on AND v_on + interval '1 second' LIMIT 1)),
      'stops', (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', s.kind,
          'value', s.value, 'reason', s.reason, 'own', s.caused_by = v_by)), '[]')
        FROM contact_points c JOIN suppressions s
          ON s.kind = c.kind AND s.value IN (c.value,
             -- ana+offers@ is ana@
             regexp_replace(c.value, '^([^+@]+)\+[^@]*@', '\1@'))
       WHERE c.tenant_id = k.tenant_id AND c.lead_id = k.lead_id
         AND (s.caused_by = v_by OR s.at <= p_at)),
      'answered', EXISTS (SELECT FROM intents i WHERE i.id = p_alone),
      'bounced', EXISTS (SELECT FROM mail_faults f
        WHERE f.attempt_id = p_attempt AND f.fault = 'BOUNCED'
          AND f.at <= p_at + interval '1 second')));
END
$$;

-- What waits for nothing but a person or a replay goes back into the queue.
CREATE FUNCTION replay_parked(p_since timestamptz, p_provider text, p_limit integer)
RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_count integer;
BEGIN
  UPDATE event_keys SET status = 'WAITING', due_at = engine_now(), tries = 0, why = ''
   WHERE id IN (
     SELECT id FROM event_keys
      WHERE status = 'PARKED' AND due_at = 'infinity' AND owner IS NULL
        AND received_at >= p_since AND (p_provider IS NULL OR provider = p_provider)
      ORDER BY received_at, id LIMIT p_limit FOR UPDATE);
  GET DIAGNOSTICS v_count = ROW_COUNT;
  RETURN v_count;
END
$$;
