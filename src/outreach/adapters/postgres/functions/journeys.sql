-- Leads as they stand, what is committed to them, and what came in.

-- Everything a reaction looks at. p_account, p_sender: where an event came in.
CREATE FUNCTION known_doc(p_lead uuid, p_attempt uuid, p_sender uuid) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object(
      'tenant', j.tenant_id, 'now', engine_now(), 'journey', journey_doc(j),
      'language', coalesce(nullif(d.language, ''), t.language), 'lead', lead_doc(d),
      'time_zone', coalesce(nullif(d.time_zone, ''), t.time_zone),
      'number', coalesce((SELECT value FROM contact_points c
        WHERE c.lead_id = j.id AND c.kind = 'phone' ORDER BY rank LIMIT 1), ''),
      'email', coalesce((SELECT value FROM contact_points c
        WHERE c.lead_id = j.id AND c.kind = 'email' ORDER BY rank LIMIT 1), ''),
      'enrolment', (SELECT jsonb_build_object('id', e.id, 'lead', e.lead_journey_id,
          'sequence', e.sequence_id, 'sequence_version', e.sequence_version,
          'campaign', e.campaign_id, 'status', e.status,
          'current_step', e.current_step, 'total_steps', e.total_steps,
          'stop_reason', e.stop_reason)
        FROM sequence_enrollments e
       WHERE e.lead_journey_id = j.id AND e.status IN ('ACTIVE', 'PAUSED')),
      'waiting', (SELECT coalesce(jsonb_agg(jsonb_build_object('id', i.id,
          'tenant', i.tenant_id, 'lead', i.lead_id, 'class', i.send_class,
          'channel', i.channel, 'due_at', i.due_at, 'enrolment', i.enrollment_id,
          'step', i.step_id, 'number', i.step_number, 'review', i.review_id,
          'text', i.body, 'subject', i.subject, 'permission', i.permission,
          'attempts', i.attempts)
          ORDER BY i.due_at), '[]')
        FROM intents i WHERE i.lead_id = j.id AND i.status IN ('WAITING', 'HELD')),
      'review', (SELECT review_doc(r) FROM human_review_queue r
        WHERE r.lead_journey_id = j.id AND r.status <> 'RESOLVED'),
      'outbound', (SELECT jsonb_build_object('attempt', a.id, 'intent', a.intent_id,
          'sender', a.sender_id, 'channel', a.channel, 'outcome', a.outcome,
          'status', g.status)
        FROM attempts a JOIN gold_communication_log g
          ON g.id = a.id AND g.created_at = a.called_at
       WHERE a.id = p_attempt),
      'sender', (SELECT sender_doc(p) FROM senders p
        WHERE p.id = coalesce(p_sender, j.assigned_phone_id)),
      'contacted', EXISTS (SELECT FROM conversations v
        WHERE v.sender_id = coalesce(p_sender, j.assigned_phone_id)
          AND v.lead_id = j.id),
      'ai_today', (SELECT count(*) FROM attempts a
        WHERE a.lead_id = j.id AND a.send_class = 1
          AND a.outcome IN ('CALLING', 'ACCEPTED', 'UNKNOWN', 'ABANDONED')
          AND (a.called_at AT TIME ZONE coalesce(nullif(d.time_zone, ''), t.time_zone))::date
            = (engine_now() AT TIME ZONE coalesce(nullif(d.time_zone, ''), t.time_zone))::date),
      'bounced', (SELECT coalesce(jsonb_agg(a.id ORDER BY a.called_at, a.n), '[]')
        FROM attempts a JOIN mail_faults f
          ON f.attempt_id = a.id AND f.fault = 'BOUNCED'
       WHERE a.lead_id = j.id),
      'wrote', CASE WHEN EXISTS (SELECT FROM human_review_queue r
          WHERE r.lead_journey_id = j.id AND r.status <> 'RESOLVED')
        THEN wrote_doc(j.id) END,
      'other_channels', (SELECT coalesce(jsonb_agg(DISTINCT CASE c.kind
          WHEN 'phone' THEN 'WHATSAPP' ELSE 'EMAIL_COLD' END), '[]')
        FROM contact_points c WHERE c.lead_id = j.id AND c.kind <> 'cui'))
      FROM gold_lead_journey j
      JOIN leads d ON d.id = j.id
      JOIN tenants t ON t.id = j.tenant_id
     WHERE j.id = p_lead);
END
$$;

-- What a lead has written last: the way, and the subject of the last mail.
CREATE FUNCTION wrote_doc(p_lead uuid) RETURNS jsonb
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT jsonb_build_object('channel', g.channel, 'subject', coalesce((
      SELECT m.subject FROM gold_communication_log m
       WHERE m.lead_journey_id = p_lead AND m.subject <> ''
         AND m.channel IN ('EMAIL_COLD', 'EMAIL_WARM')
       ORDER BY m.created_at DESC LIMIT 1), ''))
    FROM gold_communication_log g
   WHERE g.lead_journey_id = p_lead AND g.direction = 'INBOUND'
   ORDER BY g.created_at DESC LIMIT 1
$$;

-- A review item: as it was stored, with what claims and folds changed since.
CREATE FUNCTION review_doc(r human_review_queue) RETURNS jsonb
LANGUAGE sql STABLE
RETURN r.doc || jsonb_build_object('id', r.id, 'tenant', r.tenant_id,
    'lead', r.lead_journey_id, 'reason', r.reason, 'priority', r.priority,
    'trigger', r.trigger_content, 'status', r.status, 'sla_due_at', r.sla_due_at,
    'sla_breached', r.sla_breached, 'claimed_until', r.claimed_until,
    'version', r.version);

-- The lead an event is about: by the provider's id, by what was sent, by the mails that
-- it answers, by the conversation, by the address; NULL: not known.
CREATE FUNCTION match_event(p_provider text, p_account text, e jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_tenant uuid;
  v_tenants uuid[] := '{}';
  v_accounts uuid[];
  v_lead uuid;
  v_attempt uuid;
  v_sender uuid;
  v_said text;
BEGIN
  IF e ->> 'lead' <> '' THEN
    -- It came by a link of ours, which says it all.
    PERFORM set_config('app.tenant', e ->> 'tenant', true);
    RETURN known_doc((e ->> 'lead')::uuid, NULL, NULL);
  END IF;
  -- Accounts of several tenants may have one name; a known sender says whose it is.
  FOR v_tenant IN SELECT t.id FROM tenants t ORDER BY t.created_at, t.id LOOP
    PERFORM set_config('app.tenant', v_tenant::text, true);
    CONTINUE WHEN NOT EXISTS (SELECT FROM provider_accounts
      WHERE provider = p_provider AND name = p_account);
    IF EXISTS (SELECT FROM senders p
                WHERE p.provider = p_provider AND p.number = e ->> 'sender') THEN
      v_tenants := ARRAY[v_tenant];
      EXIT;
    END IF;
    v_tenants := v_tenants || v_tenant;
  END LOOP;
  FOREACH v_tenant IN ARRAY v_tenants LOOP
    PERFORM set_config('app.tenant', v_tenant::text, true);
    v_accounts := ARRAY(SELECT c.id FROM provider_accounts c
                         WHERE c.provider = p_provider AND c.name = p_account);
    SELECT id INTO v_sender FROM senders p
     WHERE p.provider = p_provider AND p.number = e ->> 'sender';
    IF e ->> 'ref' <> '' THEN
      SELECT a.lead_id, a.id INTO v_lead, v_attempt FROM attempts a
       WHERE a.external_ref = e ->> 'ref' AND a.account_id = ANY (v_accounts);
    END IF;
    -- What was handed over bore our own id, and comes back with it.
    IF v_lead IS NULL
       AND e ->> 'ref' ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN
      SELECT a.lead_id, a.id INTO v_lead, v_attempt FROM attempts a
       WHERE a.id = (e ->> 'ref')::uuid AND a.account_id = ANY (v_accounts);
    END IF;
    IF v_lead IS NULL AND e ->> 'hash' <> '' THEN
      SELECT a.lead_id, a.id INTO v_lead, v_attempt FROM attempts a
       WHERE a.payload_hash = e ->> 'hash' AND a.account_id = ANY (v_accounts)
         AND a.outcome IN ('CALLING', 'ACCEPTED', 'UNKNOWN', 'ABANDONED')
         AND (a.external_ref IS NULL OR e ->> 'ref' IN ('', a.external_ref))
       ORDER BY a.called_at DESC LIMIT 1;
    END IF;
    IF v_lead IS NULL THEN
      -- One after the other, nearest first: each is a probe, whatever is known of them.
      FOR v_said IN SELECT jsonb_array_elements_text(e -> 'answers') LOOP
        SELECT a.lead_id, a.id INTO v_lead, v_attempt FROM attempts a
         WHERE a.id = v_said::uuid AND a.tenant_id = v_tenant;
        EXIT WHEN v_lead IS NOT NULL;
      END LOOP;
    END IF;
    IF v_lead IS NULL THEN
      FOR v_said IN SELECT jsonb_array_elements_text(e -> 'references') LOOP
        SELECT m.lead_id, m.id INTO v_lead, v_attempt
          FROM (SELECT a.lead_id, a.id, a.called_at FROM attempts a
                 WHERE a.thread = v_said AND a.thread LIKE '<%'
                   AND a.tenant_id = v_tenant OFFSET 0) AS m
         ORDER BY m.called_at DESC LIMIT 1;
        EXIT WHEN v_lead IS NOT NULL;
      END LOOP;
    END IF;
    IF v_lead IS NULL AND e ->> 'thread' <> '' THEN
      SELECT v.lead_id INTO v_lead FROM senders p
        JOIN conversations v ON v.sender_id = p.id AND v.thread = e ->> 'thread'
       WHERE p.account_id = ANY (v_accounts) AND p.id = coalesce(v_sender, p.id);
    END IF;
    IF v_lead IS NULL AND e ->> 'address' <> '' THEN
      SELECT c.lead_id INTO v_lead FROM contact_points c
       WHERE c.tenant_id = v_tenant
         AND c.kind = split_part(e ->> 'address', ':', 1)
         AND c.value = substr(e ->> 'address', strpos(e ->> 'address', ':') + 1);
    END IF;
    IF v_lead IS NOT NULL THEN
      IF v_sender IS NULL THEN
        SELECT a.sender_id INTO v_sender FROM attempts a WHERE a.id = v_attempt;
      END IF;
      IF v_sender IS NULL THEN
        -- Where the vendor picks the mailbox: the account the lead is written by.
        SELECT p.id INTO v_sender FROM conversations v
          JOIN senders p ON p.id = v.sender_id
         WHERE v.lead_id = v_lead AND v.thread <> '' AND p.channel <> 'WHATSAPP'
           AND p.account_id = ANY (v_accounts)
         ORDER BY v.created_at LIMIT 1;
      END IF;
      RETURN known_doc(v_lead, v_attempt, v_sender);
    END IF;
  END LOOP;
  RETURN NULL;
END
$$;

-- One lead's change, whole or not at all: DONE, ALREADY or CONFLICT.
CREATE FUNCTION commit_change(c jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_lead uuid := (c ->> 'lead')::uuid;
  v_version integer;
  v_now timestamptz;
  v_state jsonb := c -> 'journey';
  v_item jsonb;
  v_lane uuid;
  v_fingerprint text;
  v_phone uuid;
  v_own uuid[];
  v_suppressed boolean := jsonb_array_length(c -> 'suppressions') > 0;
BEGIN
  PERFORM set_config('app.tenant', c ->> 'tenant', true);
  -- An opt-out and T1 meet on the address: exclusive here, shared there.
  IF v_suppressed THEN
    PERFORM lock_names(ARRAY(SELECT s ->> 'key'
                               FROM jsonb_array_elements(c -> 'suppressions') AS s));
  END IF;
  SELECT version, own_senders(j) INTO v_version, v_own
    FROM gold_lead_journey j WHERE id = v_lead FOR UPDATE;
  v_phone := v_own[1];
  v_now := engine_now();
  IF EXISTS (SELECT FROM applied_changes WHERE key = c ->> 'key') THEN
    PERFORM close_event(c, v_lead);
    RETURN 'ALREADY';
  END IF;
  IF v_version IS DISTINCT FROM (c ->> 'expected')::integer THEN
    RETURN 'CONFLICT';
  END IF;
  IF c -> 'review' <> 'null' AND c -> 'review' ->> 'expected' IS NOT NULL THEN
    SELECT r.fingerprint INTO v_fingerprint FROM human_review_queue r
     WHERE r.id = (c -> 'review' -> 'item' ->> 'id')::uuid AND r.status <> 'RESOLVED';
    IF v_fingerprint IS DISTINCT FROM c -> 'review' ->> 'expected' THEN
      RETURN 'CONFLICT';
    END IF;
  END IF;
  PERFORM lock_change(c, v_lead, v_own);
  INSERT INTO applied_changes (tenant_id, key, at)
  VALUES (current_tenant(), c ->> 'key', v_now);

  UPDATE gold_lead_journey
     SET current_state = v_state ->> 'state', previous_state = v_state ->> 'state_before',
         state_changed_at = (v_state ->> 'changed_at')::timestamptz,
         state_change_reason = coalesce(v_state ->> 'reason', ''),
         dead_cause = v_state ->> 'dead_cause',
         opted_out = (v_state ->> 'opted_out')::boolean,
         whatsapp_opted_out = (v_state ->> 'opted_out')::boolean,
         email_opted_out = (v_state ->> 'opted_out')::boolean,
         opted_out_at = (v_state ->> 'opted_out_at')::timestamptz,
         closed_channels = ARRAY(SELECT jsonb_array_elements_text(v_state -> 'closed')),
         is_human_controlled = (v_state ->> 'human')::boolean,
         assigned_phone_id = (v_state ->> 'phone')::uuid,
         assigned_mailbox_id = (v_state ->> 'mailbox')::uuid,
         assigned_warm_mailbox_id = (v_state ->> 'warm_mailbox')::uuid,
         preferred_channel = v_state ->> 'preferred',
         last_channel_used = v_state ->> 'last_channel',
         first_contact_at = (v_state ->> 'first_contact_at')::timestamptz,
         last_contact_at = (v_state ->> 'last_contact_at')::timestamptz,
         last_reply_at = (v_state ->> 'last_reply_at')::timestamptz,
         converted_at = (v_state ->> 'converted_at')::timestamptz,
         reply_count = (v_state ->> 'replies')::integer,
         sentiment_score = (v_state ->> 'sentiment')::smallint,
         version = version + 1, updated_at = clock_timestamp()
   WHERE id = v_lead;
  INSERT INTO transition_log (tenant_id, lead_id, state_before, state_after, at,
                              caused_by, why)
  SELECT current_tenant(), v_lead, m ->> 'before', m ->> 'after',
         (m ->> 'at')::timestamptz, m ->> 'by', m ->> 'why'
    FROM jsonb_array_elements(c -> 'moves') AS m;
  IF c ->> 'anomaly' <> '' THEN
    INSERT INTO transition_log (tenant_id, lead_id, state_before, state_after, at,
                                caused_by, why, anomaly)
    VALUES (current_tenant(), v_lead, v_state ->> 'state', v_state ->> 'state', v_now,
            c ->> 'key', c ->> 'anomaly', true);
  END IF;

  INSERT INTO suppressions (tenant_id, kind, value, reason, caused_by, at)
  SELECT current_tenant(), split_part(s ->> 'key', ':', 1),
         substr(s ->> 'key', strpos(s ->> 'key', ':') + 1),
         s ->> 'reason', s ->> 'by', (s ->> 'at')::timestamptz
    FROM jsonb_array_elements(c -> 'suppressions') AS s
  ON CONFLICT (tenant_id, kind, value) DO NOTHING;

  FOR v_item IN SELECT * FROM jsonb_array_elements(c -> 'cancels') LOOP
    PERFORM cancel_intent((v_item ->> 0)::uuid, v_item ->> 1, false);
  END LOOP;
  IF c -> 'enrolment' <> 'null' THEN
    PERFORM set_enrolment((c -> 'enrolment' ->> 0)::uuid, c -> 'enrolment' ->> 1,
                          c -> 'enrolment' ->> 2);
  END IF;
  IF (v_state ->> 'opted_out')::boolean THEN
    PERFORM stop_lead(v_lead, 'OPTED_OUT');
  ELSIF v_suppressed THEN
    PERFORM stop_lead(v_lead, 'SUPPRESSED');
  END IF;
  IF (v_state ->> 'phone')::uuid IS DISTINCT FROM v_phone THEN
    INSERT INTO reassignments (tenant_id, lead_id, phone_before, phone_after, at,
                               caused_by)
    SELECT current_tenant(), v_lead, v_phone, (v_state ->> 'phone')::uuid, v_now,
           c ->> 'key' WHERE v_phone IS NOT NULL;
  END IF;
  IF ARRAY[v_state ->> 'phone', v_state ->> 'mailbox', v_state ->> 'warm_mailbox']::uuid[]
     IS DISTINCT FROM v_own THEN
    PERFORM follow_senders(v_lead);
  END IF;
  FOR v_item IN SELECT * FROM jsonb_array_elements(c -> 'postpones') LOOP
    UPDATE intents SET due_at = (v_item ->> 'until')::timestamptz,
           last_reason = v_item ->> 'why', updated_at = clock_timestamp()
     WHERE id = (v_item ->> 'intent')::uuid AND status = 'WAITING'
    RETURNING lane_id INTO v_lane;
    PERFORM refresh_lane(v_lane);
  END LOOP;
  IF c -> 'heard' <> 'null' THEN
    PERFORM hear(v_lead, (c ->> 'event')::uuid, c -> 'heard', v_now);
  END IF;
  FOR v_item IN SELECT * FROM jsonb_array_elements(c -> 'plans') LOOP
    PERFORM plan_intent(v_item);
  END LOOP;
  FOR v_item IN SELECT * FROM jsonb_array_elements(c -> 'resolves') LOOP
    PERFORM told(v_item);
  END LOOP;
  FOR v_item IN SELECT * FROM jsonb_array_elements(c -> 'statuses') LOOP
    PERFORM raise_status((v_item ->> 'attempt')::uuid, v_item ->> 'status',
                         (v_item ->> 'at')::timestamptz);
  END LOOP;
  IF c -> 'answered' <> 'null' THEN
    PERFORM use_answered(v_lead, (c -> 'answered' ->> 'attempt')::uuid,
                         (c -> 'answered' ->> 'positive')::boolean);
  END IF;
  IF (c ->> 'converted')::boolean THEN
    PERFORM use_converted(v_lead);
  END IF;
  IF c -> 'review' <> 'null' THEN
    PERFORM put_review(c -> 'review' -> 'item', c -> 'review' ->> 'action',
                       c -> 'review' ->> 'by', c -> 'review' ->> 'notes');
  END IF;
  PERFORM put_duty(x ->> 'kind', x ->> 'key', current_tenant(),
                   (x ->> 'due_at')::timestamptz)
    FROM jsonb_array_elements(c -> 'duties') AS x;
  PERFORM came_back((c -> 'heard' ->> 'sender')::uuid, v_now)
    WHERE c -> 'heard' ->> 'sender' IS NOT NULL;
  PERFORM count_fault((x ->> 0)::uuid, x ->> 1)
    FROM jsonb_array_elements(c -> 'faults') AS x;
  PERFORM take_fault_back(x::uuid) FROM jsonb_array_elements_text(c -> 'amends') AS x;
  PERFORM close_event(c, v_lead);
  RETURN 'DONE';
END
$$;

-- Locks all that a change may touch, in the order of send.sql, and counts what a person
-- sent by hand, for a unit comes before a lane. Locked before: the lead.
CREATE FUNCTION lock_change(c jsonb, p_lead uuid, p_own uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM FROM intents WHERE lead_id = p_lead AND status IN ('WAITING', 'HELD', 'OPEN')
   ORDER BY id FOR UPDATE;
  IF c -> 'external' <> 'null' THEN
    INSERT INTO wa_quota_usage AS q (tenant_id, phone_id, usage_date, quota_limit,
                                     external_new)
    SELECT current_tenant(), p.id, (c -> 'external' ->> 'day')::date,
           p.daily_quota_limit, 1
      FROM senders p WHERE p.id = (c -> 'external' ->> 'sender')::uuid
    ON CONFLICT (phone_id, usage_date) DO UPDATE
       SET external_new = q.external_new + 1, updated_at = clock_timestamp();
  END IF;
  PERFORM lock_attempts(
    ARRAY(SELECT (r ->> 'attempt')::uuid FROM jsonb_array_elements(c -> 'resolves') AS r),
    ARRAY(SELECT lane_id FROM intents
           WHERE lead_id = p_lead AND status IN ('WAITING', 'HELD', 'OPEN')
          UNION SELECT sender_id FROM conversations WHERE lead_id = p_lead)
      || p_own || (c -> 'journey' ->> 'phone')::uuid
      || (c -> 'journey' ->> 'mailbox')::uuid
      || (c -> 'journey' ->> 'warm_mailbox')::uuid
      || (c -> 'heard' ->> 'sender')::uuid);
END
$$;

-- What an event says of an attempt. While the call is under way only its own end may
-- free the lane, so the event is kept in case that end is never heard of.
CREATE FUNCTION told(p_item jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  a attempts := lock_attempt((p_item ->> 'attempt')::uuid);
BEGIN
  IF a.outcome = 'CALLING' AND p_item ->> 'outcome' = 'ACCEPTED' THEN
    UPDATE attempts
       SET evidence = true,
           external_ref = coalesce(nullif(p_item ->> 'ref', ''), external_ref),
           thread = coalesce(nullif(p_item ->> 'thread', ''), thread)
     WHERE id = a.id;
  ELSIF a.outcome = 'UNKNOWN' THEN
    PERFORM settle_one(p_item, interval '0', interval '0');
  ELSIF a.outcome = 'ACCEPTED' AND p_item ->> 'outcome' = 'REFUSED' THEN
    PERFORM returned(a);
  END IF;
END
$$;

CREATE FUNCTION close_event(c jsonb, p_lead uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE event_keys
     SET status = 'APPLIED', owner = NULL, lease_until = NULL, why = '',
         tenant_id = (c ->> 'tenant')::uuid, lead_id = p_lead
   WHERE id = (c ->> 'event')::uuid;
  UPDATE raw_events r SET tenant_id = (c ->> 'tenant')::uuid
    FROM event_keys k
   WHERE k.id = (c ->> 'event')::uuid AND r.id = k.id AND r.received_at = k.received_at;
END
$$;

CREATE FUNCTION set_enrolment(p_enrolment uuid, p_status text, p_reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  IF p_status = 'ACTIVE' THEN
    UPDATE sequence_enrollments SET status = 'ACTIVE', stop_reason = '',
           updated_at = clock_timestamp()
     WHERE id = p_enrolment AND status = 'PAUSED';
    UPDATE intents SET status = 'WAITING', status_reason = '',
           updated_at = clock_timestamp()
     WHERE enrollment_id = p_enrolment AND status = 'HELD';
    PERFORM refresh_lane(i.lane_id) FROM intents i
      WHERE i.enrollment_id = p_enrolment AND i.status = 'WAITING';
    RETURN;
  END IF;
  PERFORM end_enrolment(p_enrolment, p_status, p_reason);
  PERFORM cancel_intent(i.id, p_reason, false) FROM intents i
    WHERE i.enrollment_id = p_enrolment AND i.status IN ('WAITING', 'HELD', 'OPEN')
      AND p_status <> 'PAUSED';
END
$$;

-- Nothing more goes to this lead: everything that waits is cancelled, and providers
-- are told.
CREATE FUNCTION stop_lead(p_lead uuid, p_reason text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM cancel_intent(i.id, p_reason, true) FROM intents i
    WHERE i.lead_id = p_lead AND i.status IN ('WAITING', 'HELD', 'OPEN');
  PERFORM end_enrolment(e.id, 'STOPPED', p_reason) FROM sequence_enrollments e
    WHERE e.lead_journey_id = p_lead AND e.status IN ('ACTIVE', 'PAUSED');
  PERFORM withdraw(p_lead, NULL, p_reason);
  PERFORM block(p_lead, p_reason);
END
$$;

-- Plans a message; with a known phone it goes into that phone's lane.
CREATE FUNCTION plan_intent(i jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_journey gold_lead_journey;
  v_lane uuid;
  v_key text := '';
BEGIN
  SELECT * INTO v_journey FROM gold_lead_journey WHERE id = (i ->> 'lead')::uuid;
  IF i ->> 'channel' = 'WHATSAPP' THEN
    -- Of a lead that wrote first: the phone it wrote to.
    v_lane := coalesce(v_journey.assigned_phone_id, (
      SELECT v.sender_id FROM conversations v WHERE v.lead_id = v_journey.id
       ORDER BY v.created_at DESC LIMIT 1));
  ELSE
    v_lane := own_sender(v_journey, i ->> 'channel');
  END IF;
  IF i ->> 'channel' = 'EMAIL_WARM' THEN
    -- The one that the lead wrote to last, if it can answer there.
    v_lane := coalesce((
      SELECT s.id FROM (
        SELECT g.mailbox_id FROM gold_communication_log g
         WHERE g.lead_journey_id = v_journey.id AND g.direction = 'INBOUND'
           AND g.mailbox_id IS NOT NULL
         ORDER BY g.created_at DESC LIMIT 1) AS last
        JOIN senders s ON s.id = last.mailbox_id
        JOIN conversations v ON v.sender_id = s.id AND v.lead_id = v_journey.id
       WHERE carries(s, 'EMAIL_WARM', v.thread)), v_lane);
  END IF;
  IF i ->> 'permission' = '' THEN
    SELECT coalesce(max(e.window_key), '') INTO v_key FROM (
      SELECT window_key FROM sequence_enrollments
       WHERE lead_journey_id = v_journey.id ORDER BY enrolled_at DESC LIMIT 1) AS e;
  END IF;
  INSERT INTO intents (id, tenant_id, lead_id, enrollment_id, step_id, step_number,
    review_id, send_class, channel, lane_id, window_key, due_at, body, subject,
    permission)
  VALUES ((i ->> 'id')::uuid, current_tenant(), v_journey.id,
    (i ->> 'enrolment')::uuid, (i ->> 'step')::uuid, (i ->> 'number')::integer,
    (i ->> 'review')::uuid, (i ->> 'class')::smallint, i ->> 'channel', v_lane, v_key,
    (i ->> 'due_at')::timestamptz, i ->> 'text', i ->> 'subject',
    i ->> 'permission')
  ON CONFLICT (id) DO NOTHING;
  IF v_lane IS NOT NULL THEN
    PERFORM ensure_window(v_lane, v_key);
    PERFORM refresh_lane(v_lane);
  ELSE
    PERFORM want_dispatch((i ->> 'due_at')::timestamptz);
  END IF;
END
$$;

-- How far a message came: only forward, whatever the order.
CREATE FUNCTION raise_status(p_attempt uuid, p_status text, p_at timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM came_further(p_attempt, p_status);
  IF p_status = 'DELIVERED' THEN
    PERFORM count_mail(a.id, 0, 1, 0, 0) FROM attempts a
      JOIN gold_communication_log g ON g.id = a.id AND g.created_at = a.called_at
     WHERE a.id = p_attempt AND g.delivered_at IS NULL;
  END IF;
  UPDATE gold_communication_log g
     SET status = CASE WHEN status_rank(p_status) > status_rank(g.status)
                       THEN p_status ELSE g.status END,
         status_updated_at = CASE WHEN status_rank(p_status) > status_rank(g.status)
                                  THEN p_at ELSE g.status_updated_at END,
         sent_at = CASE WHEN p_status = 'SENT' THEN coalesce(g.sent_at, p_at)
                        ELSE g.sent_at END,
         delivered_at = CASE WHEN p_status = 'DELIVERED'
           THEN least(g.delivered_at, p_at) ELSE g.delivered_at END,
         read_at = CASE WHEN p_status = 'READ' THEN least(g.read_at, p_at)
                        ELSE g.read_at END,
         replied_at = CASE WHEN p_status = 'REPLIED' THEN least(g.replied_at, p_at)
                           ELSE g.replied_at END,
         bounced_at = CASE WHEN p_status = 'BOUNCED' THEN least(g.bounced_at, p_at)
                           ELSE g.bounced_at END,
         updated_at = clock_timestamp()
    FROM attempts a
   WHERE a.id = p_attempt AND g.id = a.id AND g.created_at = a.called_at;
  IF p_status IN ('READ', 'OPENED', 'CLICKED') THEN
    PERFORM keep_use_of(p_attempt, '{"opened": true}');
  END IF;
  UPDATE attempts SET ask_at = 'infinity'
   WHERE id = p_attempt AND status_rank(p_status) >= status_rank('READ');
END
$$;

CREATE FUNCTION status_rank(p_status text) RETURNS integer
LANGUAGE sql IMMUTABLE
AS $$
  SELECT array_position(ARRAY['UNKNOWN', 'QUEUED', 'ACCEPTED', 'SENT', 'FAILED',
    'DELIVERED', 'BOUNCED', 'READ', 'OPENED', 'CLICKED', 'REPLIED'], p_status)
$$;

-- A message from the other side, or one that a person sent: a row of the log, and
-- the conversation it belongs to.
CREATE FUNCTION hear(p_lead uuid, p_event uuid, h jsonb, p_now timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_sender uuid := (h ->> 'sender')::uuid;
  v_channel text := (SELECT channel FROM senders WHERE id = v_sender);
BEGIN
  INSERT INTO gold_communication_log (id, created_at, tenant_id, lead_journey_id,
    external_message_id, thread_id, channel, direction, content, subject, status,
    status_updated_at, phone_id, mailbox_id, sentiment_score, sentiment_analyzed_at,
    intent_classification, ai_analysis, created_by)
  VALUES (coalesce(p_event, gen_random_uuid()), p_now, current_tenant(), p_lead, h ->> 'ref', h ->> 'thread',
    h ->> 'channel',
    CASE WHEN h ->> 'type' = 'EXTERNAL_SENT' THEN 'OUTBOUND' ELSE 'INBOUND' END,
    h ->> 'content', h ->> 'subject',
    CASE WHEN h ->> 'type' = 'EXTERNAL_SENT' THEN 'SENT' ELSE 'REPLIED' END,
    (h ->> 'at')::timestamptz,
    CASE v_channel WHEN 'WHATSAPP' THEN v_sender END,
    CASE WHEN v_channel <> 'WHATSAPP' THEN v_sender END, (h ->> 'sentiment')::smallint,
    CASE WHEN h ->> 'sentiment' IS NOT NULL THEN p_now END, h ->> 'intent',
    nullif(h -> 'analysis', 'null'),
    CASE WHEN h ->> 'type' = 'EXTERNAL_SENT' THEN 'person' ELSE 'prospect' END);
  IF h ->> 'intent' IS NOT NULL THEN
    PERFORM tally('reply', h ->> 'intent', 1);
  END IF;
  IF v_sender IS NOT NULL THEN
    INSERT INTO conversations (tenant_id, sender_id, lead_id, thread)
    VALUES (current_tenant(), v_sender, p_lead, h ->> 'thread')
    ON CONFLICT (sender_id, lead_id) DO UPDATE
       SET thread = coalesce(nullif(excluded.thread, ''), conversations.thread);
    UPDATE senders
       SET last_message_received_at = greatest(last_message_received_at, p_now),
           total_conversations = total_conversations
             + (h ->> 'type' = 'REPLY')::integer
     WHERE id = v_sender;
  END IF;
END
$$;

-- What comes in ---------------------------------------------------------------

-- Stores arrivals; answers which were new. A known key stores nothing.
CREATE FUNCTION take_in(p_arrivals jsonb, p_raws bytea[]) RETURNS SETOF uuid
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN QUERY
  WITH arrived AS (
    SELECT (x ->> 'id')::uuid AS id, x ->> 'provider' AS provider,
           x ->> 'account' AS account, x ->> 'key' AS key, x ->> 'type' AS type,
           CASE WHEN x ->> 'address' <> ''
                THEN hashtextextended(x ->> 'address', 7) END AS address_hash,
           engine_now() AS at, p_raws[n] AS raw
      FROM jsonb_array_elements(p_arrivals) WITH ORDINALITY AS t (x, n)
  ), fresh AS (
    INSERT INTO event_keys (id, provider, account, key, type, address_hash,
                            received_at, due_at)
    SELECT id, provider, account, key, type, address_hash, at, at FROM arrived
    ON CONFLICT (provider, account, key) DO NOTHING
    RETURNING id, received_at
  ), stored AS (
    INSERT INTO raw_events (id, received_at, raw)
    SELECT f.id, f.received_at, a.raw FROM fresh f JOIN arrived a ON a.id = f.id
  ), counted AS (
    INSERT INTO event_counts AS c (provider, account, type, stripe, times)
    SELECT a.provider, a.account, a.type, pg_backend_pid() % 16, count(*)
      FROM fresh f JOIN arrived a ON a.id = f.id
     GROUP BY a.provider, a.account, a.type ORDER BY 1, 2, 3
    ON CONFLICT (provider, account, type, stripe)
    DO UPDATE SET times = c.times + excluded.times
  )
  SELECT id FROM fresh;
END
$$;

CREATE FUNCTION take_events(p_who text, p_limit integer, p_lease interval)
RETURNS TABLE (id uuid, provider text, account text, key text, type text,
               received_at timestamptz, tries integer, raw bytea)
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS $$
  WITH due AS (
    SELECT e.id, e.owner, e.received_at FROM event_keys e
     WHERE e.status IN ('WAITING', 'PARKED') AND e.due_at < 'infinity'
       AND e.due_at <= (SELECT engine_now())
       AND (e.owner IS NULL OR e.lease_until < clock_timestamp())
     ORDER BY e.due_at LIMIT p_limit FOR UPDATE SKIP LOCKED
  ), taken AS (
    UPDATE event_keys k
       SET owner = p_who, lease_until = clock_timestamp() + p_lease,
           tries = k.tries + d.in_hand
      FROM (
        -- Who died had the oldest of what it left in its hand, and no other.
        SELECT id, (owner IS NOT NULL AND row_number() OVER (
                 PARTITION BY owner ORDER BY received_at, id) = 1)::integer AS in_hand
          FROM due) AS d
     WHERE k.id = d.id RETURNING k.*
  )
  SELECT t.id, t.provider, t.account, t.key, t.type, t.received_at, t.tries, r.raw
    FROM taken t JOIN raw_events r ON r.id = t.id AND r.received_at = t.received_at
   ORDER BY t.received_at, t.id
$$;

-- Not now: an event that is parked holds nothing up. NULL: only a person or a replay.
CREATE FUNCTION park_event(p_event uuid, p_why text, p_until timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE event_keys
     SET status = 'PARKED', why = p_why, owner = NULL, lease_until = NULL,
         due_at = coalesce(p_until, 'infinity'), tries = tries + 1
   WHERE id = p_event AND status IN ('WAITING', 'PARKED');
END
$$;

CREATE FUNCTION shut_event(p_event uuid, p_why text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE event_keys SET status = 'CLOSED', why = p_why, owner = NULL, lease_until = NULL
   WHERE id = p_event AND status IN ('WAITING', 'PARKED');
END
$$;

-- Not yet, and no try used: what it is about has not ended.
-- Back to the queue; aside: as if it were parked, so that nobody else waits for it.
CREATE FUNCTION hold_event(p_event uuid, p_until timestamptz, p_aside boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE event_keys
     SET owner = NULL, lease_until = NULL, due_at = p_until,
         status = CASE WHEN p_aside THEN 'PARKED' ELSE status END
   WHERE id = p_event AND status IN ('WAITING', 'PARKED');
END
$$;
