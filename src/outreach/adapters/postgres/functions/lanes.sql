-- Who may send now.

-- Keeps a lane's wake_at: when its earliest open message can go. O(windows x log).
CREATE FUNCTION refresh_lane(p_lane uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE lanes l
     SET wake_at = CASE WHEN l.shut OR l.owner IS NOT NULL OR l.calling IS NOT NULL
       THEN NULL
       ELSE (
         SELECT greatest(l.gate_at, l.backoff_until, l.budget_gate_at, min(head.at))
           FROM lane_windows w
           CROSS JOIN generate_series(0, 3) AS c (send_class)
           CROSS JOIN LATERAL (
             SELECT greatest(i.due_at, w.opens_at,
                             CASE WHEN c.send_class = 3 THEN l.new_gate_at END) AS at
               FROM intents i
              WHERE i.lane_id = l.id AND i.window_key = w.window_key
                AND i.send_class = c.send_class AND i.status = 'WAITING'
              ORDER BY i.due_at LIMIT 1
           ) AS head
          WHERE w.lane_id = l.id AND NOT (c.send_class = 3 AND l.new_shut)
         HAVING min(head.at) IS NOT NULL
       ) END
   WHERE l.id = p_lane;
END
$$;

-- Frees lanes whose holder died before a call: lease and grace are over.
CREATE FUNCTION reap_lanes(p_grace interval, p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_lane record;
  v_count integer := 0;
  -- A volatile function would keep the index from being used as far as here.
  v_dead timestamptz := clock_timestamp() - p_grace;
BEGIN
  FOR v_lane IN
    SELECT id, tenant_id FROM lanes
     WHERE owner IS NOT NULL AND calling IS NULL AND lease_until < v_dead
     ORDER BY lease_until LIMIT p_limit FOR UPDATE SKIP LOCKED
  LOOP
    PERFORM set_config('app.tenant', v_lane.tenant_id::text, true);
    UPDATE lanes SET owner = NULL, lease_until = NULL WHERE id = v_lane.id;
    PERFORM refresh_lane(v_lane.id);
    v_count := v_count + 1;
  END LOOP;
  RETURN v_count;
END
$$;

-- Everything decide() looks at for one message, as one document.
CREATE FUNCTION case_doc(p_intent uuid) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object(
      'intent', jsonb_build_object(
        'id', i.id, 'tenant', i.tenant_id, 'lead', i.lead_id, 'class', i.send_class,
        'channel', i.channel, 'due_at', i.due_at, 'enrolment', i.enrollment_id,
        'step', i.step_id, 'number', i.step_number, 'review', i.review_id,
        'text', i.body, 'subject', i.subject, 'permission', i.permission,
        'attempts', i.attempts, 'last_n', i.last_n),
      'live', CASE i.status WHEN 'WAITING' THEN ''
        ELSE trim(i.status || ' ' || i.status_reason) END,
      'journey', journey_doc(j),
      'zones', to_jsonb(w.zones), 'country', w.country,
      'sender', CASE WHEN p.id IS NOT NULL THEN sender_doc(p) END,
      'lane', CASE WHEN l.id IS NOT NULL THEN jsonb_build_object('gate_at',
        CASE WHEN isfinite(l.gate_at) THEN l.gate_at END,
        'backoff', greatest(l.backoff_until, away_until(l), (SELECT bucket_opens(g)
          FROM account_gates g WHERE g.account_id = l.account_id)),
        'busy', l.calling IS NOT NULL, 'plan', full_plan_doc(l.account_id)) END,
      'ledger', CASE WHEN p.id IS NOT NULL THEN (
        SELECT jsonb_build_object('day', day.of, 'used', coalesce(q.used, 0),
                                  'external', coalesce(q.external_new, 0),
                                  'budgets', budgets_used(p,
                                    company_key(d.cui, d.company_name),
                                    CASE WHEN i.channel <> 'WHATSAPP'
                                         THEN points.domain END, e.campaign_id))
          FROM (SELECT (engine_now() AT TIME ZONE p.time_zone)::date AS of) AS day
          LEFT JOIN wa_quota_usage q ON q.phone_id = p.id AND q.usage_date = day.of) END,
      'contacted', v.lead_id IS NOT NULL, 'thread', coalesce(v.thread, ''),
      'lead', lead_doc(d),
      'points', points.doc, 'consents', consent_docs(d.id),
      'channels', CASE WHEN e.id IS NOT NULL THEN channels_of(i.tenant_id) END,
      'enrolment', e.status, 'campaign', e.campaign_id,
      'hosting', CASE WHEN i.channel = 'EMAIL_COLD' THEN
        hosting_doc(l.account_id, e.campaign_id, i.step_id, i.window_key) END,
      'sequence', CASE WHEN e.id IS NOT NULL
        THEN sequence_doc(e.sequence_id, e.sequence_version) END,
      'template', (SELECT template_doc(t) FROM outreach_sequence_steps s
          JOIN outreach_templates t ON t.tenant_id = i.tenant_id AND t.is_active
           AND t.name IN (s.template_name, s.fallback_template_name)
         WHERE s.sequence_id = e.sequence_id AND s.version = e.sequence_version
           AND s.step_id = i.step_id AND t.channel = i.channel
         ORDER BY t.name <> s.template_name LIMIT 1),
      'had', (SELECT jsonb_object_agg(u.template_id, u.label) FROM template_uses u
               WHERE u.lead_id = i.lead_id AND u.sent),
      'intros', (SELECT jsonb_agg(intro_doc(n)) FROM intros n
                  WHERE n.intent_id = i.id),
      'suppressions', (SELECT coalesce(jsonb_agg(jsonb_build_object('kind', s.kind,
          'value', s.value, 'reason', s.reason, 'by', s.caused_by, 'at', s.at,
          'everywhere', s.tenant_id IS NULL) ORDER BY s.at), '[]')
        FROM suppressions s
       WHERE (s.kind = 'phone' AND s.value = ANY (points.phones))
          OR (s.kind = 'email' AND s.value = ANY (points.emails || points.mailboxes))
          OR (s.kind = 'domain' AND s.value = ANY (points.domains))),
      'switches', (SELECT coalesce(jsonb_agg(jsonb_build_object('scope', s.scope,
          'of', s.covers, 'reason', s.reason, 'by', s.thrown_by, 'at', s.thrown_at)
          ORDER BY s.thrown_at), '[]')
        FROM switches s WHERE s.lifted_at IS NULL),
      'review_open', EXISTS (SELECT FROM human_review_queue r
        WHERE r.lead_journey_id = i.lead_id AND r.status <> 'RESOLVED'))
      FROM intents i
      JOIN gold_lead_journey j ON j.id = i.lead_id
      JOIN leads d ON d.id = i.lead_id
      LEFT JOIN sequence_enrollments e ON e.id = i.enrollment_id
      LEFT JOIN LATERAL (
        SELECT zones, country FROM send_windows
         WHERE tenant_id = i.tenant_id AND key = coalesce(nullif(i.window_key, ''), (
           SELECT x.window_key FROM sequence_enrollments x
            WHERE x.lead_journey_id = i.lead_id
            ORDER BY x.enrolled_at DESC LIMIT 1))) AS w ON true
      LEFT JOIN senders p ON p.id = i.lane_id
      LEFT JOIN lanes l ON l.id = i.lane_id
      LEFT JOIN conversations v ON v.sender_id = i.lane_id AND v.lead_id = i.lead_id
      CROSS JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object('kind', c.kind, 'value', c.value,
                 'facts', c.facts) ORDER BY c.kind, c.rank) AS doc,
               array_agg(c.value) FILTER (WHERE c.kind = 'phone') AS phones,
               array_agg(c.value) FILTER (WHERE c.kind = 'email') AS emails,
               lower(split_part((array_agg(c.value ORDER BY c.rank)
                 FILTER (WHERE c.kind = 'email'))[1], '@', 2)) AS domain,
               array_agg(mailbox(c.value)) FILTER (WHERE c.kind = 'email')
                 AS mailboxes,
               array_agg(split_part(c.value, '@', 2))
                 FILTER (WHERE c.kind = 'email') AS domains
          FROM contact_points c
         WHERE c.tenant_id = i.tenant_id AND c.lead_id = i.lead_id) AS points
     WHERE i.id = p_intent);
END
$$;

-- An address without its sub-address: ana+offers@example.com is ana@example.com. As
-- written in the index contact_points_mailbox; domain.address has the same rule.
CREATE FUNCTION mailbox(p_address text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN regexp_replace(p_address, '^([^+@]+)[+][^@]*@', '\1@');

-- Channels on which a tenant has any sender that is not gone: a probe of the index each.
CREATE FUNCTION channels_of(p_tenant uuid) RETURNS text[]
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  WITH RECURSIVE found AS (
    (SELECT s.channel FROM senders s
      WHERE s.tenant_id = p_tenant AND s.is_enabled
        AND s.status NOT IN ('BANNED', 'RETIRED')
      ORDER BY s.channel LIMIT 1)
    UNION ALL
    SELECT following.channel FROM found f CROSS JOIN LATERAL (
      SELECT s.channel FROM senders s
       WHERE s.tenant_id = p_tenant AND s.channel > f.channel AND s.is_enabled
         AND s.status NOT IN ('BANNED', 'RETIRED')
       ORDER BY s.channel LIMIT 1) AS following
  )
  SELECT coalesce(array_agg(channel), '{}') FROM found
$$;

CREATE FUNCTION journey_doc(j gold_lead_journey) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_build_object('lead', j.lead_id, 'state', j.current_state,
    'state_before', j.previous_state, 'changed_at', j.state_changed_at,
    'reason', j.state_change_reason, 'dead_cause', j.dead_cause,
    'opted_out', j.opted_out, 'opted_out_at', j.opted_out_at,
    'closed', to_jsonb(j.closed_channels), 'human', j.is_human_controlled,
    'phone', j.assigned_phone_id, 'mailbox', j.assigned_mailbox_id,
    'warm_mailbox', j.assigned_warm_mailbox_id, 'preferred', j.preferred_channel,
    'last_channel', j.last_channel_used, 'first_contact_at', j.first_contact_at,
    'last_contact_at', j.last_contact_at, 'last_reply_at', j.last_reply_at,
    'converted_at', j.converted_at, 'replies', j.reply_count,
    'sentiment', j.sentiment_score, 'version', j.version);

CREATE FUNCTION sender_doc(p senders) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_build_object('id', p.id, 'tenant', p.tenant_id, 'account', p.account_id,
    'provider', p.provider, 'number', p.number, 'channel', p.channel,
    'answers', p.answers, 'zone', p.time_zone,
    'label', p.label, 'ref', p.provider_account_ref,
    'limit', p.daily_quota_limit, 'priority', p.priority, 'enabled', p.is_enabled,
    'state', p.status, 'before', p.status_before, 'reason', p.status_reason,
    'until', p.status_until, 'warm_began', p.warm_up_began,
    'warm_days', p.warm_up_days, 'warm_start', p.warm_up_start,
    'gap', extract(epoch FROM p.gap), 'jitter', extract(epoch FROM p.jitter),
    'limits', jsonb_build_object('total_per_day', p.total_per_day,
      'unanswered_per_month', p.unanswered_per_month,
      'company_per_month', p.company_per_month, 'domain_per_day', p.domain_per_day,
      'campaign_new_per_day', p.campaign_new_per_day));

CREATE FUNCTION lead_doc(d leads) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_build_object('company_name', d.company_name,
    'contact_name', d.contact_name, 'cui', d.cui, 'caen', d.caen,
    'county', d.county, 'city', d.city, 'country', d.country,
    'language', d.language, 'time_zone', d.time_zone, 'zones', to_jsonb(d.zones),
    'source', d.source, 'legal_basis', d.legal_basis,
    'email_status', d.email_status, 'phone_status', d.phone_status,
    'tags', d.tags, 'custom', d.custom_fields, 'version', d.version);

CREATE FUNCTION template_doc(t outreach_templates) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_build_object('id', t.id, 'name', t.name, 'channel', t.channel,
    'content', t.content, 'variables', t.variables, 'subject', t.subject,
    'language', t.language, 'version', t.version, 'approved', t.is_approved,
    'versions', t.versions, 'since', t.since, 'winner', t.winner,
    'picked_by', t.picked_by);

CREATE FUNCTION sequence_doc(p_sequence uuid, p_version integer) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object('id', q.id, 'name', q.name,
      'description', q.description, 'primary', q.primary_channel,
      'fallback', q.fallback_channel, 'respect_hours', q.respect_business_hours,
      'time_zone', q.timezone, 'stop_on_reply', q.stop_on_reply,
      'stop_on_bounce', q.stop_on_bounce, 'max_attempts', q.max_attempts,
      'silence', extract(epoch FROM q.silence), 'version', p_version,
      'steps', (SELECT jsonb_agg(jsonb_build_object('id', s.step_id,
          'number', s.step_number, 'channel', s.channel,
          'delay', s.delay_hours * 3600 + s.delay_minutes * 60 + s.delay_seconds,
          'template', s.template_name, 'fallback', s.fallback_template_name,
          'skip_replied', s.skip_if_replied, 'skip_opened', s.skip_if_opened)
          ORDER BY s.step_number)
        FROM outreach_sequence_steps s
       WHERE s.sequence_id = p_sequence AND s.version = p_version))
      FROM outreach_sequences q WHERE q.id = p_sequence);
END
$$;

-- The lane of each provider account that is due first, of accounts with room: one
-- probe of an index per account, however many lanes there are. first: of its lanes,
-- at: when the account lets one of them call.
CREATE FUNCTION lane_heads(p_room jsonb)
RETURNS TABLE (tenant uuid, account uuid, first timestamptz, at timestamptz,
               metered boolean, away boolean)
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS $$
  WITH RECURSIVE heads AS (
    (SELECT l.tenant_id, l.account_id, l.wake_at FROM lanes l
      WHERE l.wake_at IS NOT NULL
      ORDER BY l.tenant_id, l.account_id, l.wake_at LIMIT 1)
    UNION ALL
    SELECT following.* FROM heads h CROSS JOIN LATERAL (
      SELECT l.tenant_id, l.account_id, l.wake_at FROM lanes l
       WHERE l.wake_at IS NOT NULL
         AND (l.tenant_id, l.account_id) > (h.tenant_id, h.account_id)
       ORDER BY l.tenant_id, l.account_id, l.wake_at LIMIT 1) AS following
  )
  SELECT h.*, greatest(h.wake_at, g.opens_at, bucket_opens(g), a.until), g.rate > 0,
         a.state = 'AWAY'
    FROM heads h LEFT JOIN account_gates g ON g.account_id = h.account_id
    LEFT JOIN account_health a ON a.account_id = h.account_id
   WHERE coalesce((p_room ->> h.account_id::text)::integer, 1) > 0
$$;

-- CLAIM: one tenant's due lanes, at most p_limit, with at most the room that each
-- provider account has left. Tenants take turns: p_after had the last one. p_many: how
-- many messages one call to an account takes, 1 if it is not named.
CREATE FUNCTION claim_lanes(p_who text, p_room jsonb, p_limit integer,
                            p_lease interval, p_grace interval,
                            p_after uuid DEFAULT NULL, p_many jsonb DEFAULT '{}')
RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_now timestamptz := engine_now();
  v_clock engine_clock;
  v_head record;
  v_lane lanes;
  v_tenant uuid;
  v_left integer := p_limit;
  v_many integer;
  v_gate account_gates;
  v_level double precision;
  v_calls integer;
  v_taken integer;
BEGIN
  PERFORM reap_lanes(p_grace, p_limit);
  SELECT * INTO v_clock FROM engine_clock;
  FOR v_head IN
    SELECT h.* FROM (
      SELECT *, min(x.first) OVER (PARTITION BY x.tenant) AS longest
        FROM lane_heads(p_room) AS x WHERE x.at <= v_now) AS h
     ORDER BY h.tenant <= p_after, CASE WHEN p_after IS NULL THEN h.longest END,
              h.tenant, h.first
  LOOP
    -- The next tenant's turn comes with the next claim, unless this one's lanes are
    -- all being claimed by somebody else just now.
    EXIT WHEN v_left <= 0 OR v_head.tenant <> v_tenant;
    PERFORM set_config('app.tenant', v_head.tenant::text, true);
    v_calls := NULL;
    IF v_head.away THEN
      -- One lane tries it, unless another one does just now.
      PERFORM FROM account_health WHERE account_id = v_head.account
         AND (state <> 'AWAY' OR until <= v_now) FOR UPDATE SKIP LOCKED;
      CONTINUE WHEN NOT FOUND;
    END IF;
    IF v_head.metered THEN
      -- Whoever claims of it just now takes what there is.
      SELECT g.* INTO v_gate FROM account_gates g
       WHERE g.account_id = v_head.account FOR UPDATE SKIP LOCKED;
      CONTINUE WHEN NOT FOUND;
      v_level := bucket_level(v_gate);
      v_calls := floor(v_level);
    END IF;
    v_taken := 0;
    FOR v_lane IN
      -- Rows are compared so that only one index fits: another would walk past all
      -- due lanes of accounts without room.
      SELECT * FROM lanes l
       WHERE (l.tenant_id, l.account_id, l.wake_at)
             BETWEEN (v_head.tenant, v_head.account, v_head.first)
                 AND (v_head.tenant, v_head.account, v_now)
         AND l.wake_at IS NOT NULL
       ORDER BY l.tenant_id, l.account_id, l.wake_at
       LIMIT least(v_left, (p_room ->> v_head.account::text)::integer, v_calls,
                   CASE WHEN v_head.away THEN 1 END)
         FOR UPDATE SKIP LOCKED
    LOOP
      v_tenant := v_lane.tenant_id;
      v_left := v_left - 1;
      v_taken := v_taken + 1;
      UPDATE lanes l
         SET token = token + 1, owner = p_who, wake_at = NULL,
             lease_until = clock_timestamp() + p_lease
       WHERE l.id = v_lane.id RETURNING * INTO v_lane;
      IF v_head.away THEN
        PERFORM to_try(v_lane.account_id, v_lane.id, v_lane.token, v_now);
      END IF;
      v_many := coalesce((p_many ->> v_lane.account_id::text)::integer, 1);
      RETURN NEXT jsonb_build_object('lane', v_lane.id, 'tenant', v_lane.tenant_id,
        'account', v_lane.account_id, 'token', v_lane.token, 'now', v_now,
        'lease_until', v_lane.lease_until, 'epoch', v_clock.epoch,
        'speed', v_clock.speed, 'last_was_new', v_lane.last_was_new,
        'backoffs', v_lane.backoffs, 'many', v_many,
        'cases', CASE WHEN v_many > 1 THEN lane_cases_for_many(v_lane, v_now, v_many)
                      ELSE lane_cases(v_lane, v_now) END);
    END LOOP;
    IF v_head.metered AND v_taken > 0 THEN
      UPDATE account_gates SET level = v_level - v_taken, level_on = clock_timestamp()
       WHERE account_id = v_head.account;
    END IF;
  END LOOP;
END
$$;

-- What a lane could send now: the head of each open class of each open window, in
-- no order: there are few.
CREATE FUNCTION lane_cases(l lanes, p_now timestamptz) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN (
    SELECT coalesce(jsonb_agg(case_doc(head.id)), '[]')
      FROM lane_windows w
      CROSS JOIN generate_series(0, 3) AS c (send_class)
      CROSS JOIN LATERAL (
        SELECT i.id, i.send_class, i.due_at FROM intents i
         WHERE i.lane_id = l.id AND i.window_key = w.window_key
           AND i.send_class = c.send_class AND i.status = 'WAITING'
           AND i.due_at <= p_now
         ORDER BY i.due_at LIMIT 1) AS head
     WHERE w.lane_id = l.id AND w.opens_at <= p_now
       AND NOT (c.send_class = 3 AND (l.new_shut OR l.new_gate_at > p_now)));
END
$$;

-- As lane_cases, where a call takes p_many: of follow-ups and new contacts also what
-- comes behind the head that is first of its class. O(windows + p_many) probes.
CREATE FUNCTION lane_cases_for_many(l lanes, p_now timestamptz, p_many integer)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_heads jsonb := lane_cases(l, p_now);
  v_first record;
  v_window text;
  v_more jsonb;
BEGIN
  FOR v_first IN
    SELECT DISTINCT ON (of.send_class) of.id, of.send_class
      FROM jsonb_array_elements(v_heads) AS head
      CROSS JOIN LATERAL (
        SELECT (head -> 'intent' ->> 'id')::uuid AS id,
               (head -> 'intent' ->> 'class')::smallint AS send_class,
               (head -> 'intent' ->> 'due_at')::timestamptz AS due_at) AS of
     WHERE of.send_class > 1 ORDER BY of.send_class, of.due_at, of.id
  LOOP
    SELECT window_key INTO v_window FROM intents WHERE id = v_first.id;
    SELECT jsonb_agg(case_doc(behind.id)) INTO v_more FROM (
      SELECT i.id FROM intents i
       WHERE i.lane_id = l.id AND i.window_key = v_window
         AND i.send_class = v_first.send_class AND i.status = 'WAITING'
         AND i.due_at <= p_now
       ORDER BY i.due_at LIMIT p_many) AS behind
     WHERE behind.id <> v_first.id;
    v_heads := v_heads || coalesce(v_more, '[]');
  END LOOP;
  RETURN v_heads;
END
$$;

-- Records a decision if it says something new about the message. p_outcome: why T1
-- refused it.
CREATE FUNCTION note_decision(p_intent uuid, p_attempt uuid, p_decision jsonb,
                              p_outcome text)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_intent intents;
  v_noted text := coalesce(nullif(p_outcome, ''), p_decision ->> 'binding');
BEGIN
  SELECT * INTO v_intent FROM intents WHERE id = p_intent;
  IF NOT FOUND OR (p_attempt IS NULL AND v_intent.last_reason = v_noted) THEN
    RETURN;
  END IF;
  INSERT INTO decisions (tenant_id, lead_id, intent_id, attempt_id, at, verdict,
                         binding, outcome, doc)
  VALUES (v_intent.tenant_id, v_intent.lead_id, p_intent, p_attempt,
          (p_decision ->> 'at')::timestamptz, p_decision ->> 'verdict',
          p_decision ->> 'binding', p_outcome, p_decision);
  UPDATE intents SET last_reason = v_noted WHERE id = p_intent;
  PERFORM tally('decision', p_decision ->> 'binding', 1);
END
$$;

-- p_keep: the lane stays claimed, for other messages of it are sent now.
CREATE FUNCTION put_off(p_lane uuid, p_token bigint, p_puts jsonb,
                        p_keep boolean DEFAULT false)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_lane lanes;
  v_put jsonb;
  v_until timestamptz;
  v_closes timestamptz;
  v_binding text;
  v_intent intents;
BEGIN
  SELECT * INTO v_lane FROM lanes WHERE id = p_lane;
  PERFORM set_config('app.tenant', v_lane.tenant_id::text, true);
  -- In the order of send.sql.
  PERFORM FROM gold_lead_journey WHERE id IN (
    SELECT i.lead_id FROM jsonb_array_elements(p_puts) AS p
      JOIN intents i ON i.id = (p ->> 'intent')::uuid) ORDER BY id FOR UPDATE;
  PERFORM FROM intents WHERE id IN (
    SELECT (p ->> 'intent')::uuid FROM jsonb_array_elements(p_puts) AS p)
   ORDER BY id FOR UPDATE;
  PERFORM lock_lanes(array_append(ARRAY(
    SELECT own_sender(j, p ->> 'to_channel') FROM jsonb_array_elements(p_puts) AS p
      JOIN intents i ON i.id = (p ->> 'intent')::uuid
      JOIN gold_lead_journey j ON j.id = i.lead_id), p_lane));
  SELECT * INTO v_lane FROM lanes WHERE id = p_lane FOR UPDATE;
  IF NOT FOUND OR v_lane.token <> p_token OR v_lane.calling IS NOT NULL THEN
    RETURN;
  END IF;
  FOR v_put IN SELECT * FROM jsonb_array_elements(p_puts) LOOP
    v_until := (v_put ->> 'until')::timestamptz;
    v_binding := v_put -> 'decision' ->> 'binding';
    SELECT * INTO v_intent FROM intents
     WHERE id = (v_put ->> 'intent')::uuid AND status = 'WAITING'
       AND lane_id = p_lane FOR UPDATE;
    CONTINUE WHEN NOT FOUND;
    PERFORM note_decision(v_intent.id, NULL, v_put -> 'decision', '');
    IF v_put ->> 'to_channel' IS NOT NULL THEN
      PERFORM reroute(v_intent.id, v_put ->> 'to_channel', v_until);
    ELSIF v_until IS NULL THEN
      PERFORM cancel_intent(v_intent.id, v_binding, true);
    ELSIF v_binding = 'OUTSIDE_WINDOW' AND v_intent.window_key <> '' THEN
      UPDATE lane_windows SET opens_at = greatest(opens_at, v_until)
       WHERE lane_id = p_lane AND window_key = v_intent.window_key;
    ELSIF v_binding = 'QUOTA_EXCEEDED' THEN
      PERFORM close_to_strangers(p_lane, v_intent, v_until);
    ELSIF (v_put ->> 'hosted')::boolean THEN
      PERFORM wait_for_host(v_intent, v_lane.account_id, v_until);
    ELSIF v_binding = 'BREAKER_OPEN' THEN
      -- One breaker is one put-off, however many of its campaign wait here.
      UPDATE intents x SET due_at = v_until, updated_at = clock_timestamp()
        FROM sequence_enrollments e, sequence_enrollments own
       WHERE x.lane_id = p_lane AND x.status = 'WAITING' AND x.due_at < v_until
         AND e.id = x.enrollment_id AND own.id = v_intent.enrollment_id
         AND e.campaign_id = own.campaign_id;
    ELSIF v_put ->> 'budget' LIKE 'plan\_%' THEN
      v_closes := greatest(v_closes, v_until);
    ELSIF v_put ->> 'budget' <> '' THEN
      PERFORM close_for_budget(p_lane, v_intent, v_put ->> 'budget', v_until);
    ELSE
      UPDATE intents SET due_at = v_until, updated_at = clock_timestamp()
       WHERE id = v_intent.id;
    END IF;
  END LOOP;
  UPDATE lanes SET owner = NULL, lease_until = NULL WHERE id = p_lane AND NOT p_keep;
  PERFORM refresh_lane(p_lane);
  IF v_lane.owner IS NOT NULL AND NOT p_keep THEN
    PERFORM unused_try(v_lane);
    PERFORM return_call(v_lane.account_id);
  END IF;
  IF v_closes IS NOT NULL THEN
    PERFORM close_account(v_lane.account_id, v_closes);
  END IF;
END
$$;

-- Has a message wait on another channel, for the lead's sender there or for any.
-- Locked before: its lead, itself and both lanes.
CREATE FUNCTION reroute(p_intent uuid, p_channel text, p_due timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_before intents;
  v_own uuid;
BEGIN
  SELECT * INTO v_before FROM intents WHERE id = p_intent;
  SELECT own_sender(j, p_channel) INTO v_own FROM gold_lead_journey j
   WHERE j.id = v_before.lead_id;
  UPDATE intents SET channel = p_channel, lane_id = v_own, due_at = p_due,
         updated_at = clock_timestamp() WHERE id = p_intent;
  PERFORM refresh_lane(v_before.lane_id);
  IF v_own IS NULL THEN
    PERFORM want_dispatch(p_due);
  ELSE
    PERFORM ensure_window(v_own, v_before.window_key);
    PERFORM refresh_lane(v_own);
  END IF;
END
$$;

-- Shuts the class of new contacts by one write; a follow-up that would make one is
-- moved.
CREATE FUNCTION close_to_strangers(p_lane uuid, i intents, p_until timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE lanes SET new_gate_at = greatest(new_gate_at, p_until) WHERE id = p_lane;
  UPDATE intents SET due_at = p_until, updated_at = clock_timestamp()
   WHERE id = (i).id AND send_class <> 3;
END
$$;

-- Cancels a message that waits, or what remains of it once its call has ended; its
-- enrolment stops with it if p_stop is set.
CREATE FUNCTION cancel_intent(p_intent uuid, p_reason text, p_stop boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_intent intents;
BEGIN
  UPDATE intents
     SET status = CASE status WHEN 'OPEN' THEN 'OPEN' ELSE 'CANCELLED' END,
         status_reason = CASE status WHEN 'OPEN' THEN status_reason ELSE p_reason END,
         cancel_reason = CASE status WHEN 'OPEN' THEN p_reason ELSE cancel_reason END,
         updated_at = clock_timestamp()
   WHERE id = p_intent AND status IN ('WAITING', 'HELD', 'OPEN')
  RETURNING * INTO v_intent;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  IF p_stop THEN
    PERFORM end_enrolment(v_intent.enrollment_id, 'STOPPED', p_reason);
  END IF;
  PERFORM refresh_lane(v_intent.lane_id);
END
$$;

CREATE FUNCTION end_enrolment(p_enrolment uuid, p_status text, p_reason text)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_lead uuid;
BEGIN
  UPDATE sequence_enrollments
     SET status = p_status, stop_reason = p_reason, next_step_at = NULL,
         stopped_at = CASE WHEN p_status = 'STOPPED' THEN engine_now() END,
         completed_at = CASE WHEN p_status = 'COMPLETED' THEN engine_now() END,
         updated_at = clock_timestamp()
   WHERE id = p_enrolment AND status IN ('ACTIVE', 'PAUSED')
  RETURNING lead_journey_id INTO v_lead;
  IF FOUND AND p_status = 'STOPPED' THEN
    PERFORM withdraw(v_lead, p_enrolment, p_reason);
  END IF;
  DELETE FROM duties WHERE kind = 'SEQUENCE_END' AND key = p_enrolment::text
     AND p_status <> 'PAUSED';
END
$$;

CREATE FUNCTION free_lane(p_lane uuid, p_token bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_lane lanes;
BEGIN
  SELECT * INTO v_lane FROM lanes WHERE id = p_lane FOR UPDATE;
  IF v_lane.token = p_token AND v_lane.calling IS NULL AND v_lane.owner IS NOT NULL THEN
    UPDATE lanes SET owner = NULL, lease_until = NULL WHERE id = p_lane;
    PERFORM set_config('app.tenant', v_lane.tenant_id::text, true);
    PERFORM refresh_lane(p_lane);
    PERFORM unused_try(v_lane);
    PERFORM return_call(v_lane.account_id);
  END IF;
END
$$;

-- Machine seconds until the earliest thing is due; NULL: nothing is. Lanes of accounts
-- that p_room leaves no room do not count: the end of a call wakes whoever asks.
CREATE FUNCTION next_wake(p_grace interval, p_room jsonb DEFAULT '{}')
RETURNS double precision
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN (
    SELECT CASE WHEN wait < 0 THEN 0 ELSE wait END FROM (SELECT least(
      extract(epoch FROM least(
        CASE WHEN p_room = '{}' AND NOT EXISTS (
                    SELECT FROM account_gates WHERE rate > 0 OR opens_at > engine_now())
                  AND NOT EXISTS (SELECT FROM account_health WHERE state = 'AWAY')
             THEN (SELECT min(wake_at) FROM lanes WHERE wake_at IS NOT NULL)
             ELSE (SELECT min(at) FROM lane_heads(p_room)) END,
        (SELECT min(due_at) FROM duties WHERE owner IS NULL AND NOT instance_held()),
        (SELECT min(due_at) FROM event_keys
          WHERE status IN ('WAITING', 'PARKED') AND due_at < 'infinity' AND owner IS NULL)
      ) - engine_now()) / engine_speed(),
      extract(epoch FROM least(
        (SELECT min(lease_until) FROM lanes
          WHERE owner IS NOT NULL AND calling IS NULL) + p_grace,
        (SELECT min(call_deadline) FROM lanes WHERE calling IS NOT NULL),
        (SELECT min(lease_until) FROM duties
          WHERE owner IS NOT NULL AND NOT instance_held()),
        (SELECT min(lease_until) FROM event_keys
          WHERE status IN ('WAITING', 'PARKED') AND due_at < 'infinity'
            AND owner IS NOT NULL)
      ) - clock_timestamp()))::double precision AS wait) AS nearest);
END
$$;

-- Recomputes what a lane may do from its sender's state and the kill switches.
CREATE FUNCTION gate_lane(p_lane uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_phone senders;
BEGIN
  SELECT * INTO v_phone FROM senders WHERE id = p_lane;
  UPDATE lanes l
     SET new_shut = v_phone.status IN ('REACHOUT_LOCKED', 'QUARANTINE'),
         shut = NOT v_phone.is_enabled
           OR v_phone.status NOT IN ('WARMING', 'ACTIVE', 'REACHOUT_LOCKED', 'QUARANTINE')
           OR EXISTS (SELECT FROM switches s WHERE s.lifted_at IS NULL AND (
                s.scope IN ('ALL', 'TENANT')
                OR (s.scope = 'CHANNEL' AND s.covers = v_phone.channel)
                OR (s.scope = 'SENDER' AND s.covers = p_lane::text)))
   WHERE l.id = p_lane;
  PERFORM refresh_lane(p_lane);
END
$$;

-- Gives waiting messages to senders: {intent: sender}. Who comes second moves nothing.
CREATE FUNCTION allocate(p_given jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_moved integer;
  v_lanes uuid[];
  v_lane uuid;
BEGIN
  WITH moved AS (
    UPDATE intents i SET lane_id = l.id, updated_at = clock_timestamp()
      FROM jsonb_each_text(p_given) AS g (intent, lane)
      JOIN lanes l ON l.id = g.lane::uuid AND l.tenant_id = current_tenant()
      JOIN senders s ON s.id = l.id
     WHERE i.id = g.intent::uuid AND i.lane_id IS NULL AND i.status = 'WAITING'
       AND carries(s, i.channel, (SELECT v.thread FROM conversations v
                                   WHERE v.sender_id = s.id AND v.lead_id = i.lead_id))
    RETURNING i.lane_id, i.window_key
  ), windowed AS (
    INSERT INTO lane_windows (lane_id, window_key)
    SELECT DISTINCT lane_id, window_key FROM moved ON CONFLICT DO NOTHING
  )
  SELECT count(*), array_agg(DISTINCT lane_id ORDER BY lane_id)
    INTO v_moved, v_lanes FROM moved;
  FOREACH v_lane IN ARRAY coalesce(v_lanes, '{}') LOOP
    PERFORM FROM lanes WHERE id = v_lane FOR UPDATE;
    PERFORM refresh_lane(v_lane);
  END LOOP;
  RETURN v_moved;
END
$$;
