-- The invariants over a live ledger: one function per check, in words of
-- domain/auditing.py. Each reads the tenant that is set, by the head of an index or by
-- a range of times, and answers at most 100 findings. One statement each, so that what
-- is compared was true at the same instant.

CREATE FUNCTION may_have_arrived(p_outcome text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $$ SELECT p_outcome IN ('CALLING', 'ACCEPTED', 'UNKNOWN', 'ABANDONED') $$;

CREATE FUNCTION audit_message_twice(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'MESSAGE_TWICE', a.intent_id::text, 'attempts ' || a.n || ' and ' || o.n,
         a.sender_id
    FROM attempts a JOIN attempts o ON o.intent_id = a.intent_id AND o.n < a.n
   WHERE a.tenant_id = current_tenant() AND a.called_at >= p_since
     AND may_have_arrived(a.outcome) AND may_have_arrived(o.outcome)
   LIMIT 100
$$;

CREATE FUNCTION audit_step_twice(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT DISTINCT 'STEP_TWICE', i.enrollment_id || ' ' || i.step_id,
         'messages ' || least(i.id::text, o.id::text) || ' and '
           || greatest(i.id::text, o.id::text),
         (array_agg(a.sender_id) OVER (PARTITION BY i.enrollment_id, i.step_id))[1]
    FROM attempts a
    JOIN intents i ON i.id = a.intent_id
    JOIN intents o ON o.tenant_id = i.tenant_id AND o.enrollment_id = i.enrollment_id
     AND o.step_id = i.step_id AND o.id <> i.id
    JOIN attempts b ON b.intent_id = o.id AND may_have_arrived(b.outcome)
   WHERE a.tenant_id = current_tenant() AND a.called_at >= p_since
     AND may_have_arrived(a.outcome)
   LIMIT 100
$$;

-- From the attempts, not from the counter that let them pass. The limit is the one the
-- day's last unit was taken under. A day's units are taken on that day.
CREATE FUNCTION audit_over_limit(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'OVER_LIMIT', d.sender_id || ' ' || d.unit_day,
         d.times || ' of ' || least(q.quota_limit, q.hard_limit, 200), d.sender_id
    FROM (SELECT a.sender_id, a.unit_day, count(*) AS times, max(a.called_at) AS latest
            FROM attempts a
           WHERE a.tenant_id = current_tenant()
             AND a.called_at >= p_since - interval '25 hours'
             AND a.unit_day IS NOT NULL AND may_have_arrived(a.outcome)
           GROUP BY a.sender_id, a.unit_day) AS d
    LEFT JOIN wa_quota_usage q ON q.phone_id = d.sender_id AND q.usage_date = d.unit_day
   WHERE d.latest >= p_since AND d.times > least(q.quota_limit, q.hard_limit, 200)
   LIMIT 100
$$;

-- What the ledger can prove: T1 comes a gap after the T2 of the call before. When the
-- provider took a message is not in the ledger; it lies between its T1 and its T2. Of
-- a call that was UNKNOWN the end is not known, so that only T1 after T1 is.
CREATE FUNCTION audit_too_soon(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'TOO_SOON', s.id::text,
         round(extract(epoch FROM s.called_at - s.before), 3) || ' s', s.sender_id
    FROM (SELECT a.id, a.sender_id, a.called_at, lag(
            CASE WHEN a.outcome = 'ACCEPTED' AND a.give_up_at IS NULL
                 THEN coalesce(a.settled_at, a.called_at) ELSE a.called_at END)
            OVER (PARTITION BY a.sender_id ORDER BY a.called_at, a.token) AS before
            FROM attempts a
           WHERE a.tenant_id = current_tenant() AND a.called_at >= p_since
             AND a.channel = 'WHATSAPP' AND may_have_arrived(a.outcome)) AS s
    JOIN senders p ON p.id = s.sender_id
   WHERE s.called_at < s.before + least(p.gap, interval '30 seconds')
   LIMIT 100
$$;

-- Both times are the server's own: whoever suppresses holds the address alone, so that
-- an attempt that is later than the row came after its commit.
CREATE FUNCTION audit_after_opt_out(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'AFTER_OPT_OUT', a.id::text, s.reason, a.sender_id
    FROM attempts a
    JOIN gold_communication_log g ON g.id = a.id AND g.created_at = a.called_at
    CROSS JOIN LATERAL (
      SELECT x.kind, x.value FROM contact_points x
       WHERE x.tenant_id = a.tenant_id AND x.lead_id = a.lead_id
         AND x.created_at < a.called_on
      UNION
      SELECT CASE WHEN g.recipient LIKE '+%' THEN 'phone' ELSE 'email' END,
             g.recipient WHERE g.recipient <> '') AS c
    CROSS JOIN LATERAL (
      SELECT x.reason FROM suppressions x
       WHERE x.created_at < a.called_on
         AND (x.kind, x.value) IN ((c.kind, c.value),
           ('domain', CASE c.kind WHEN 'email' THEN split_part(c.value, '@', 2) END))
       LIMIT 1) AS s
   WHERE a.tenant_id = current_tenant() AND a.called_at >= p_since
   GROUP BY a.id, s.reason
   LIMIT 100
$$;

-- Every live enrolment: a message that waits, one under way whose attempt has a
-- deadline, the end by silence, or a person.
CREATE FUNCTION audit_lost_enrolment(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'LOST_ENROLMENT', e.id::text, e.status || ' since ' || e.updated_at,
         NULL::uuid
    FROM sequence_enrollments e
   WHERE e.tenant_id = current_tenant() AND e.status IN ('ACTIVE', 'PAUSED')
     AND NOT EXISTS (
       SELECT FROM intents i
        WHERE i.tenant_id = e.tenant_id AND i.lead_id = e.lead_journey_id
          AND i.status IN ('WAITING', 'HELD', 'OPEN') AND i.enrollment_id = e.id
          AND (i.status = 'WAITING' OR (i.status = 'OPEN' AND EXISTS (
            SELECT FROM attempts a WHERE a.intent_id = i.id
               AND a.outcome IN ('CALLING', 'UNKNOWN')))))
     AND NOT EXISTS (SELECT FROM duties d
                      WHERE d.kind = 'SEQUENCE_END' AND d.key = e.id::text)
     AND NOT EXISTS (SELECT FROM human_review_queue r
                      WHERE r.lead_journey_id = e.lead_journey_id
                        AND r.status <> 'RESOLVED')
     AND NOT EXISTS (SELECT FROM gold_lead_journey j
                      WHERE j.id = e.lead_journey_id AND j.is_human_controlled)
   LIMIT 100
$$;

-- p_last: the server's clock at the last audit; NULL: nothing can be called late.
CREATE FUNCTION audit_lost_call(p_since timestamptz, p_last timestamptz)
RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'LOST_CALL', a.id::text, 'called at ' || a.called_at, a.sender_id
    FROM attempts a
    LEFT JOIN lanes l ON l.id = a.sender_id AND a.id = ANY (l.calling)
   WHERE a.tenant_id = current_tenant() AND a.called_at >= p_since
     AND a.outcome = 'CALLING'
     AND (l.id IS NULL OR l.call_deadline < p_last - interval '10 minutes')
   LIMIT 100
$$;

-- p_last: engine time of the last audit.
CREATE FUNCTION audit_late_answer(p_since timestamptz, p_last timestamptz)
RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'LATE_ANSWER', a.id::text, 'due at ' || coalesce(a.give_up_at::text, 'no time'),
         a.sender_id
    FROM attempts a
   WHERE a.tenant_id = current_tenant() AND a.called_at >= p_since
     AND a.outcome = 'UNKNOWN'
     AND (a.give_up_at IS NULL OR a.give_up_at <= p_last
          OR NOT EXISTS (SELECT FROM duties d
                          WHERE d.kind = 'LOOK' AND d.key = a.id::text))
   LIMIT 100
$$;

-- Looks have deadlines of their own: a provider may be away for longer.
CREATE FUNCTION audit_late_duty(p_last timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'LATE_DUTY', d.kind || ' ' || d.key, 'due at ' || d.due_at, NULL::uuid
    FROM duties d
   WHERE d.tenant_id = current_tenant() AND d.kind <> 'LOOK'
     AND d.due_at <= p_last - interval '1 hour'
   LIMIT 100
$$;

CREATE FUNCTION audit_asleep() RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'ASLEEP', l.id::text, '', l.id
    FROM lanes l
   WHERE l.tenant_id = current_tenant() AND l.wake_at IS NULL AND NOT l.shut
     AND l.owner IS NULL AND l.calling IS NULL
     AND EXISTS (
       SELECT FROM lane_windows w CROSS JOIN generate_series(0, 3) AS c (send_class)
        WHERE w.lane_id = l.id AND NOT (c.send_class = 3 AND l.new_shut)
          AND EXISTS (SELECT FROM intents i
                       WHERE i.lane_id = l.id AND i.window_key = w.window_key
                         AND i.send_class = c.send_class AND i.status = 'WAITING'))
   LIMIT 100
$$;

-- Events know their tenant once they are applied; before, by the account.
CREATE FUNCTION audit_late_event(p_last timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'LATE_EVENT', k.id::text, k.status || ', due at ' || k.due_at, NULL::uuid
    FROM event_keys k
   WHERE k.status IN ('WAITING', 'PARKED') AND k.due_at < 'infinity'
     AND k.due_at <= p_last - interval '10 minutes'
     AND EXISTS (SELECT FROM provider_accounts a
                  WHERE a.tenant_id = current_tenant()
                    AND a.provider = k.provider AND a.name = k.account)
   LIMIT 100
$$;

-- Who is out of office has not answered: the sequence waits for their return.
CREATE FUNCTION audit_reply_unheard(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'REPLY_UNHEARD', k.id::text, 'enrolment ' || e.id, NULL::uuid
    FROM event_keys k
    JOIN sequence_enrollments e ON e.lead_journey_id = k.lead_id
     AND e.status = 'ACTIVE' AND e.enrolled_at < k.received_at
    JOIN outreach_sequences q ON q.id = e.sequence_id AND q.stop_on_reply
   WHERE k.received_at >= p_since AND k.type = 'REPLY' AND k.status = 'APPLIED'
     AND k.tenant_id = current_tenant()
     AND NOT EXISTS (SELECT FROM gold_communication_log g
                      WHERE g.id = k.id AND g.created_at >= p_since
                        AND g.intent_classification = 'OUT_OF_OFFICE')
   LIMIT 100
$$;

CREATE FUNCTION audit_wrong_channel(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'WRONG_CHANNEL', a.id::text, a.channel || ' in ' || a.lead_state, a.sender_id
    FROM attempts a
   WHERE a.tenant_id = current_tenant() AND a.called_at >= p_since
     AND a.lead_state <> '' AND NOT CASE a.channel
       WHEN 'EMAIL_WARM'
         THEN a.lead_state IN ('WARM_REPLY', 'NEGOTIATION', 'CONVERTED')
       WHEN 'EMAIL_COLD'
         THEN a.lead_state IN ('COLD', 'CONTACTED_WA', 'CONTACTED_EMAIL')
       ELSE true END
   LIMIT 100
$$;

CREATE FUNCTION audit_log_without_attempt(p_since timestamptz)
RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'LOG_WITHOUT_ATTEMPT', g.id::text, g.status,
         coalesce(g.phone_id, g.mailbox_id)
    FROM gold_communication_log g
   WHERE g.tenant_id = current_tenant() AND g.created_at >= p_since
     AND g.direction = 'OUTBOUND' AND g.created_by = 'engine'
     AND NOT EXISTS (SELECT FROM attempts a
                      WHERE a.id = g.id AND a.lead_id = g.lead_journey_id)
   LIMIT 100
$$;

CREATE FUNCTION audit_attempt_without_log(p_since timestamptz)
RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'ATTEMPT_WITHOUT_LOG', a.id::text, a.outcome, a.sender_id
    FROM attempts a
   WHERE a.tenant_id = current_tenant() AND a.called_at >= p_since
     AND a.outcome = 'ACCEPTED'
     AND NOT EXISTS (SELECT FROM gold_communication_log g
                      WHERE g.id = a.id AND g.created_at = a.called_at)
   LIMIT 100
$$;

-- The hash of domain/message.py: sender, address, subject, text.
CREATE FUNCTION audit_other_payload(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'OTHER_PAYLOAD', a.id::text, '', a.sender_id
    FROM attempts a
    JOIN gold_communication_log g ON g.id = a.id AND g.created_at = a.called_at
   WHERE a.tenant_id = current_tenant() AND a.called_at >= p_since
     AND may_have_arrived(a.outcome)
     AND a.payload_hash <> encode(sha256(
       convert_to(g.phone_number, 'UTF8') || '\x00'::bytea
       || convert_to(g.recipient, 'UTF8') || '\x00'::bytea
       || convert_to(g.subject, 'UTF8') || '\x00'::bytea
       || convert_to(g.content_rendered, 'UTF8')), 'hex')
   LIMIT 100
$$;

CREATE FUNCTION audit_units_differ(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'UNITS_DIFFER', q.phone_id || ' ' || q.usage_date,
         q.used || ' units, ' || h.times || ' attempts', q.phone_id
    FROM senders p
    JOIN wa_quota_usage q ON q.phone_id = p.id
     AND q.usage_date >= (p_since AT TIME ZONE p.time_zone)::date
    CROSS JOIN LATERAL (
      SELECT count(*) AS times FROM attempts a
       WHERE a.sender_id = q.phone_id AND a.unit_day = q.usage_date AND a.unit_held
    ) AS h
   WHERE p.tenant_id = current_tenant() AND q.used <> h.times
   LIMIT 100
$$;

-- Each further budget whose period has not ended before. The period is the last part of
-- its key; what stands between, a company or a domain, is not told.
CREATE FUNCTION audit_budgets_differ(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'BUDGETS_DIFFER', u.sender_id || ' ' || split_part(u.key, ':', 1) || ' '
           || split_part(u.key, ':', -1),
         count(*) || ' differ: ' || sum(u.used) || ' used, ' || sum(h.times)
           || ' held, ' || sum(h.unsent) || ' of them not sent', u.sender_id
    FROM senders p
    JOIN budget_use u ON u.sender_id = p.id AND u.ends_at >= p_since
    CROSS JOIN LATERAL (
      SELECT count(*) AS times,
             count(*) FILTER (WHERE a.outcome IN ('RELEASED', 'NOT_SENT')) AS unsent
        FROM budget_units b LEFT JOIN attempts a ON a.id = b.attempt_id
       WHERE b.sender_id = u.sender_id AND b.key = u.key) AS h
   WHERE p.tenant_id = current_tenant() AND (u.used <> h.times OR h.unsent > 0)
   GROUP BY u.sender_id, split_part(u.key, ':', 1), split_part(u.key, ':', -1)
   LIMIT 100
$$;

-- Armed between the throw and the lift of the switch, both by engine time: T1 relies on
-- the name that whoever throws locks, so no T1 shares that instant.
CREATE FUNCTION audit_after_breaker(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'AFTER_BREAKER', a.id::text, 'campaign ' || s.covers || ', open since '
           || to_char(s.thrown_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS'),
         a.sender_id
    FROM attempts a
    JOIN intents i ON i.id = a.intent_id
    JOIN sequence_enrollments e ON e.id = i.enrollment_id
    JOIN switches s ON breaks(s, a.channel) AND s.covers = e.campaign_id::text
     AND s.thrown_at < a.called_at
     AND (s.lifted_at IS NULL OR s.lifted_at > a.called_at)
   WHERE a.tenant_id = current_tenant() AND a.called_at >= p_since
   LIMIT 100
$$;

-- Of a stop that is late at p_last, too, people were told before, or nobody is there.
CREATE FUNCTION audit_stop_untold(p_last timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'STOP_UNTOLD', s.id::text, s.kind || ' (' || s.cause || '), '
           || s.tries || ' tries', NULL::uuid
    FROM stops s
   WHERE s.tenant_id = current_tenant() AND s.confirmed_at IS NULL
     AND s.caused_at <= p_last - interval '15 minutes' AND s.alerted_at IS NULL
   ORDER BY s.caused_at LIMIT 100
$$;

CREATE FUNCTION audit_stop_lost() RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'STOP_LOST', s.id::text, s.kind || ' (' || s.cause || '), '
           || s.tries || ' tries', NULL::uuid
    FROM stops s
   WHERE s.tenant_id = current_tenant() AND s.confirmed_at IS NULL
     AND NOT EXISTS (SELECT FROM duties d
                      WHERE d.kind = 'STOP' AND d.key = s.id::text)
   ORDER BY s.caused_at LIMIT 100
$$;

CREATE FUNCTION audit_fence_back(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'FENCE_BACK', t.id::text, t.token || ' after ' || t.before, t.sender_id
    FROM (SELECT a.id, a.sender_id, a.token, lag(a.token) OVER (
            PARTITION BY a.sender_id ORDER BY a.called_at, a.called_on) AS before
            FROM attempts a
           WHERE a.tenant_id = current_tenant() AND a.called_at >= p_since) AS t
   WHERE t.token < t.before
   LIMIT 100
$$;

CREATE FUNCTION audit_other_phone(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT 'OTHER_PHONE', a.id::text, 'phone ' || b.sender_id || ' wrote before',
         a.sender_id
    FROM attempts a
    CROSS JOIN LATERAL (
      SELECT o.sender_id, o.called_at FROM attempts o
       WHERE o.lead_id = a.lead_id AND o.channel = 'WHATSAPP'
         AND (o.called_at, o.n, o.id) < (a.called_at, a.n, a.id)
         AND may_have_arrived(o.outcome)
       ORDER BY o.called_at DESC, o.n DESC, o.id DESC LIMIT 1) AS b
   WHERE a.tenant_id = current_tenant() AND a.called_at >= p_since
     AND a.channel = 'WHATSAPP' AND may_have_arrived(a.outcome)
     AND b.sender_id <> a.sender_id
     AND NOT EXISTS (SELECT FROM reassignments r
                      WHERE r.lead_id = a.lead_id
                        AND r.at BETWEEN b.called_at AND a.called_at)
   LIMIT 100
$$;

-- Each move begins where the one before it ended, the first one at COLD, and the last
-- one ended where the lead is. Of leads that moved or were written to since.
CREATE FUNCTION audit_journey_differs(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  WITH touched AS (
    SELECT t.lead_id FROM transition_log t
     WHERE t.tenant_id = current_tenant() AND t.at >= p_since
    UNION
    SELECT a.lead_id FROM attempts a
     WHERE a.tenant_id = current_tenant() AND a.called_at >= p_since
  )
  SELECT 'JOURNEY_DIFFERS', j.id::text,
         j.current_state || ', its moves say ' || coalesce(f.state, 'COLD'), NULL::uuid
    FROM touched
    JOIN gold_lead_journey j ON j.id = touched.lead_id
    LEFT JOIN LATERAL (
      SELECT bool_and(m.state_before = m.was) AS whole,
             (array_agg(m.state_after ORDER BY m.id DESC))[1] AS state
        FROM (SELECT t.id, t.state_before, t.state_after, lag(t.state_after, 1, 'COLD')
                       OVER (ORDER BY t.id) AS was
                FROM transition_log t
               WHERE t.lead_id = j.id AND NOT t.anomaly) AS m) AS f ON true
   WHERE j.current_state <> coalesce(f.state, 'COLD') OR NOT coalesce(f.whole, true)
   LIMIT 100
$$;

-- All of them. Late is what was late at the last audit, too, which proves that a
-- worker was at work between: an outage that has just ended is no breach.
CREATE FUNCTION audit(p_since timestamptz) RETURNS SETOF audit_finding
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_last audits;
BEGIN
  SELECT * INTO v_last FROM audits
   WHERE tenant_id = current_tenant() AND made_by = 'duty' ORDER BY id DESC LIMIT 1;
  RETURN QUERY SELECT * FROM audit_message_twice(p_since);
  RETURN QUERY SELECT * FROM audit_step_twice(p_since);
  RETURN QUERY SELECT * FROM audit_over_limit(p_since);
  RETURN QUERY SELECT * FROM audit_too_soon(p_since);
  RETURN QUERY SELECT * FROM audit_after_opt_out(p_since);
  RETURN QUERY SELECT * FROM audit_lost_enrolment(p_since);
  RETURN QUERY SELECT * FROM audit_lost_call(p_since, v_last.made_on);
  RETURN QUERY SELECT * FROM audit_late_answer(p_since, v_last.at);
  RETURN QUERY SELECT * FROM audit_late_duty(v_last.at);
  RETURN QUERY SELECT * FROM audit_asleep();
  RETURN QUERY SELECT * FROM audit_late_event(v_last.at);
  RETURN QUERY SELECT * FROM audit_reply_unheard(p_since);
  RETURN QUERY SELECT * FROM audit_wrong_channel(p_since);
  RETURN QUERY SELECT * FROM audit_log_without_attempt(p_since);
  RETURN QUERY SELECT * FROM audit_attempt_without_log(p_since);
  RETURN QUERY SELECT * FROM audit_other_payload(p_since);
  RETURN QUERY SELECT * FROM audit_units_differ(p_since);
  RETURN QUERY SELECT * FROM audit_budgets_differ(p_since);
  RETURN QUERY SELECT * FROM audit_after_breaker(p_since);
  RETURN QUERY SELECT * FROM audit_stop_untold(v_last.at);
  RETURN QUERY SELECT * FROM audit_stop_lost();
  RETURN QUERY SELECT * FROM audit_fence_back(p_since);
  RETURN QUERY SELECT * FROM audit_other_phone(p_since);
  RETURN QUERY SELECT * FROM audit_journey_differs(p_since);
END
$$;

-- A page of messages that needed an open window, in the order they were armed.
CREATE FUNCTION audit_sends(p_since timestamptz, p_at timestamptz, p_after uuid,
                            p_limit integer)
RETURNS SETOF jsonb
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT jsonb_build_object('attempt', a.id, 'sender', a.sender_id,
           'called_at', a.called_at, 'zones', to_jsonb(w.zones), 'country', w.country)
    FROM attempts a
    JOIN intents i ON i.id = a.intent_id AND i.permission = ''
    JOIN send_windows w ON w.tenant_id = a.tenant_id AND w.key = i.window_key
   WHERE a.tenant_id = current_tenant() AND a.called_at >= greatest(p_since, p_at)
     AND (p_at IS NULL OR (a.called_at, a.id) > (p_at, p_after))
     AND may_have_arrived(a.outcome)
   ORDER BY a.called_at, a.id LIMIT p_limit
$$;

-- Slots of today that hold units.
CREATE FUNCTION audit_slots() RETURNS TABLE (sender uuid, day date)
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT q.phone_id, q.usage_date
    FROM senders p
    JOIN wa_quota_usage q ON q.phone_id = p.id
     AND q.usage_date >= (engine_now() AT TIME ZONE p.time_zone)::date
   WHERE p.tenant_id = current_tenant() AND q.used > 0
$$;

-- Keeps an audit and what it found that was news.
CREATE FUNCTION record_audit(p_by text, p_found integer, p_news jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_kept text[];
BEGIN
  WITH kept AS (
    INSERT INTO audit_breaches (tenant_id, name, subject, detail, sender_id, found_at)
    SELECT current_tenant(), n ->> 'name', n ->> 'subject', n ->> 'detail',
           (n ->> 'sender')::uuid, engine_now()
      FROM jsonb_array_elements(p_news) AS n
    ON CONFLICT DO NOTHING RETURNING name, subject
  )
  SELECT array_agg(name || ' ' || subject) INTO v_kept FROM kept;
  PERFORM tally('breach', n.invariant, n.times) FROM (
    SELECT x ->> 'invariant' AS invariant, count(*) AS times
      FROM jsonb_array_elements(p_news) AS x
     WHERE (x ->> 'name') || ' ' || (x ->> 'subject') = ANY (v_kept)
     GROUP BY 1 ORDER BY 1) AS n;
  INSERT INTO audits (tenant_id, at, made_by, found, fresh)
  VALUES (current_tenant(), engine_now(), p_by, p_found, jsonb_array_length(p_news));
END
$$;
