-- T1, T2, and attempts whose outcome nobody knows.
--
-- The order of all locks. Who needs several of a class takes them at once, by their
-- ids, and nothing of a class after one of a later class:
--   1. names: addresses, 'switches', 'senders' (shared or exclusive)
--   2. leads (gold_lead_journey)
--   3. messages (intents); rows of a lead's run and log are its lead's
--   4. units (wa_quota_usage), further budgets (budget_use), plans (account_use)
--   5. lanes
--   6. health of provider accounts (account_health)
--   7. senders, signs, reviews, duties
--   8. what provider accounts are allowed (account_gates)
-- Outside of it stand those who wait for nothing: claims, take_back and full budgets
-- pass over what another has; commits that carry many calls pass over its leads; who
-- ends lost calls waits for a moment and leaves the rest for the next time.

-- Locks a name for the rest of the transaction: shared by those who rely on it,
-- exclusive for whoever changes it.
CREATE FUNCTION rely_on(p_names text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM pg_advisory_xact_lock_shared(hashtextextended(name, 7))
    FROM unnest(p_names) AS name ORDER BY name;
END
$$;

CREATE FUNCTION lock_names(p_names text[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM pg_advisory_xact_lock(hashtextextended(name, 7))
    FROM unnest(p_names) AS name ORDER BY name;
END
$$;

-- T1. One verdict per draft, in order: '' (armed) or why not. READ COMMITTED, so
-- that every statement below sees what was committed before it, also what was
-- committed while it waited for a lock.
CREATE FUNCTION arm(p_lane uuid, p_token bigint, p_margin interval,
                    p_call interval, p_behind interval, p_drafts jsonb)
RETURNS text[]
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_tenant uuid;
  v_draft jsonb;
  v_answer text[] := '{}';
  v_armed uuid[] := '{}';
BEGIN
  SELECT tenant_id INTO v_tenant FROM lanes WHERE id = p_lane;
  PERFORM set_config('app.tenant', v_tenant::text, true);
  PERFORM rely_on(ARRAY(SELECT DISTINCT jsonb_array_elements_text(d -> 'addresses')
                          FROM jsonb_array_elements(p_drafts) AS d));
  PERFORM rely_on(ARRAY['switches']);
  IF jsonb_array_length(p_drafts) > 1 THEN
    PERFORM lock_drafts(v_tenant, jsonb_build_array(
      jsonb_build_object('lane', p_lane, 'drafts', p_drafts)));
  END IF;
  FOR v_draft IN SELECT * FROM jsonb_array_elements(p_drafts) LOOP
    v_answer := v_answer
      || arm_one(v_tenant, p_lane, p_token, p_margin, p_behind, v_draft);
    IF v_answer[array_upper(v_answer, 1)] = '' THEN
      v_armed := v_armed || (v_draft ->> 'attempt')::uuid;
    END IF;
    PERFORM not_armed(p_lane, v_draft, v_answer[array_upper(v_answer, 1)]);
  END LOOP;
  -- They leave together, so the lane is written once.
  UPDATE lanes SET calling = v_armed, call_deadline = clock_timestamp() + p_call
   WHERE id = p_lane AND v_armed <> '{}';
  IF NOT FOUND THEN
    PERFORM free_lane(p_lane, p_token);
  END IF;
  RETURN v_answer;
END
$$;

-- T1 of several lanes of one tenant in one commit: [{lane, token, drafts}, ...]. It
-- holds locks of many leads, so it waits for none: what another has locked is
-- answered by NULL, changes nothing, and is to be asked alone.
CREATE FUNCTION arm_lanes(p_margin interval, p_call interval, p_behind interval,
                          p_asked jsonb)
RETURNS SETOF text[]
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_one jsonb;
  v_drafts jsonb;
  v_tenant uuid;
  v_ours boolean[] := '{}';
  v_along jsonb := '[]';
BEGIN
  SELECT tenant_id INTO v_tenant FROM lanes
   WHERE id = (p_asked -> 0 ->> 'lane')::uuid;
  PERFORM set_config('app.tenant', v_tenant::text, true);
  FOR v_one IN SELECT * FROM jsonb_array_elements(p_asked) LOOP
    v_drafts := v_one -> 'drafts';
    IF can_rely_on(ARRAY(
         SELECT jsonb_array_elements_text(d -> 'addresses')
           FROM jsonb_array_elements(v_drafts) AS d) || 'switches'::text)
       AND can_lock_leads(ARRAY(SELECT (d ->> 'lead')::uuid
                                  FROM jsonb_array_elements(v_drafts) AS d)) THEN
      v_along := v_along || v_one;
      v_ours := v_ours || true;
    ELSE
      v_ours := v_ours || false;
    END IF;
  END LOOP;
  PERFORM lock_drafts(v_tenant, v_along);
  FOR n IN 1 .. cardinality(v_ours) LOOP
    v_one := p_asked -> (n - 1);
    RETURN NEXT CASE WHEN v_ours[n] THEN arm((v_one ->> 'lane')::uuid,
      (v_one ->> 'token')::bigint, p_margin, p_call, p_behind, v_one -> 'drafts') END;
  END LOOP;
END
$$;

-- Locks all that T1 of several messages touches, each class at once: [{lane, drafts}].
CREATE FUNCTION lock_drafts(p_tenant uuid, p_asked jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_of record;
BEGIN
  PERFORM FROM gold_lead_journey WHERE id IN (
    SELECT (d ->> 'lead')::uuid FROM jsonb_array_elements(p_asked) AS o,
           jsonb_array_elements(o -> 'drafts') AS d) ORDER BY id FOR UPDATE;
  PERFORM FROM intents WHERE id IN (
    SELECT (d ->> 'intent')::uuid FROM jsonb_array_elements(p_asked) AS o,
           jsonb_array_elements(o -> 'drafts') AS d) ORDER BY id FOR UPDATE;
  FOR v_of IN
    SELECT (o ->> 'lane')::uuid AS lane, (d ->> 'day')::date AS day,
           min((d ->> 'limit')::integer) AS most
      FROM jsonb_array_elements(p_asked) AS o,
           jsonb_array_elements(o -> 'drafts') AS d
     WHERE d ->> 'day' IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
  LOOP
    PERFORM lock_day(p_tenant, v_of.lane, v_of.day, v_of.most);
  END LOOP;
  FOR v_of IN
    SELECT (o ->> 'lane')::uuid AS lane, jsonb_agg(s) AS shares
      FROM jsonb_array_elements(p_asked) AS o,
           jsonb_array_elements(o -> 'drafts') AS d,
           jsonb_array_elements(d -> 'shares') AS s
     WHERE jsonb_typeof(d -> 'shares') = 'array' GROUP BY 1 ORDER BY 1
  LOOP
    PERFORM lock_budgets(p_tenant, v_of.lane, v_of.shares);
  END LOOP;
  FOR v_of IN
    SELECT DISTINCT l.account_id AS account FROM jsonb_array_elements(p_asked) AS o
      JOIN lanes l ON l.id = (o ->> 'lane')::uuid WHERE is_counted(l.account_id)
     ORDER BY 1
  LOOP
    PERFORM lock_plans(p_tenant, v_of.account, plan_day_at(engine_now()));
  END LOOP;
  PERFORM lock_lanes(ARRAY(SELECT (o ->> 'lane')::uuid
                             FROM jsonb_array_elements(p_asked) AS o));
END
$$;

CREATE FUNCTION lock_lanes(p_lanes uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM FROM lanes WHERE id = ANY (p_lanes) ORDER BY id FOR UPDATE;
END
$$;

-- Locks a phone's day, and makes it if it is not there yet.
CREATE FUNCTION lock_day(p_tenant uuid, p_phone uuid, p_day date, p_limit integer)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM FROM wa_quota_usage WHERE phone_id = p_phone AND usage_date = p_day
      FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO wa_quota_usage (tenant_id, phone_id, usage_date, quota_limit)
    VALUES (p_tenant, p_phone, p_day, p_limit)
    ON CONFLICT (phone_id, usage_date) DO NOTHING;
    PERFORM FROM wa_quota_usage WHERE phone_id = p_phone AND usage_date = p_day
        FOR UPDATE;
  END IF;
END
$$;

-- As rely_on, without waiting; false: somebody changes one of them just now.
CREATE FUNCTION can_rely_on(p_names text[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_name text;
BEGIN
  FOREACH v_name IN ARRAY p_names LOOP
    IF NOT pg_try_advisory_xact_lock_shared(hashtextextended(v_name, 7)) THEN
      RETURN false;
    END IF;
  END LOOP;
  RETURN true;
END
$$;

-- Locks leads without waiting; false: another has one of them.
CREATE FUNCTION can_lock_leads(p_leads uuid[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_lead uuid;
BEGIN
  FOREACH v_lead IN ARRAY p_leads LOOP
    PERFORM FROM gold_lead_journey WHERE id = v_lead FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
      RETURN false;
    END IF;
  END LOOP;
  RETURN true;
END
$$;

-- What becomes of a message that was not armed; 'BUDGET <key>' names the full one.
CREATE FUNCTION not_armed(p_lane uuid, d jsonb, p_why text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_intent intents;
  v_zone text;
  v_budget text := split_part(p_why, ' ', 2);
BEGIN
  p_why := split_part(p_why, ' ', 1);
  IF p_why IN ('', 'FENCED', 'TAKEN') THEN
    RETURN;
  END IF;
  SELECT * INTO v_intent FROM intents
   WHERE id = (d ->> 'intent')::uuid AND status = 'WAITING';
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM note_decision(v_intent.id, NULL, d -> 'decision', p_why);
  CASE p_why
    WHEN 'SUPPRESSED' THEN
      PERFORM cancel_intent(v_intent.id, 'SUPPRESSED', true);
    WHEN 'STALE' THEN
      PERFORM follow_senders(v_intent.lead_id);
    WHEN 'INBOX_BEHIND' THEN
      UPDATE intents SET due_at = greatest(due_at, engine_now() + interval '5 seconds')
       WHERE id = v_intent.id;
    WHEN 'QUOTA' THEN
      SELECT time_zone INTO v_zone FROM senders WHERE id = p_lane;
      PERFORM close_to_strangers(p_lane, v_intent,
        ((engine_now() AT TIME ZONE v_zone)::date + 1)::timestamp AT TIME ZONE v_zone);
    WHEN 'BUDGET' THEN
      IF v_budget LIKE 'plan\_%' THEN
        PERFORM close_account(account_id, plan_ends(
          substr(v_budget, 6), plan_day_at(engine_now()))) FROM lanes WHERE id = p_lane;
        RETURN;
      END IF;
      PERFORM close_for_budget(p_lane, v_intent, v_budget,
        (SELECT (s ->> 'ends_at')::timestamptz
           FROM jsonb_array_elements(d -> 'shares') AS s WHERE s ->> 'key' = v_budget));
    ELSE NULL;
  END CASE;
END
$$;

-- Who writes to a lead on a channel; NULL: nobody has yet.
CREATE FUNCTION own_sender(j gold_lead_journey, p_channel text) RETURNS uuid
LANGUAGE sql IMMUTABLE
RETURN CASE p_channel WHEN 'WHATSAPP' THEN (j).assigned_phone_id
    WHEN 'EMAIL_COLD' THEN (j).assigned_mailbox_id
    WHEN 'EMAIL_WARM' THEN (j).assigned_warm_mailbox_id END;

-- All of them: phone, mailbox, mailbox of warm mail.
CREATE FUNCTION own_senders(j gold_lead_journey) RETURNS uuid[]
LANGUAGE sql IMMUTABLE
RETURN ARRAY[(j).assigned_phone_id, (j).assigned_mailbox_id,
             (j).assigned_warm_mailbox_id];

-- Whether a message of this channel may leave a sender: domain.sender.
CREATE FUNCTION carries(p senders, p_channel text, p_thread text) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN (p).channel = p_channel
    OR (p_channel = 'EMAIL_WARM' AND (p).answers AND coalesce(p_thread, '') <> '');

-- Has what waits wait in the lane of the lead's own sender of its channel. An answer
-- in a conversation stays where that is.
CREATE FUNCTION follow_senders(p_lead uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_journey gold_lead_journey;
  v_own uuid;
  v_intent intents;
BEGIN
  SELECT * INTO v_journey FROM gold_lead_journey WHERE id = p_lead;
  FOR v_intent IN
    SELECT i.* FROM intents i LEFT JOIN senders s ON s.id = i.lane_id
     WHERE i.lead_id = p_lead AND i.status IN ('WAITING', 'HELD')
       AND (s.id IS NULL OR s.channel = i.channel)
  LOOP
    v_own := own_sender(v_journey, v_intent.channel);
    CONTINUE WHEN v_own IS NULL OR v_own IS NOT DISTINCT FROM v_intent.lane_id;
    UPDATE intents SET lane_id = v_own, updated_at = clock_timestamp()
     WHERE id = v_intent.id;
    PERFORM ensure_window(v_own, v_intent.window_key);
    PERFORM refresh_lane(v_intent.lane_id);
    PERFORM refresh_lane(v_own);
  END LOOP;
END
$$;

-- Messages that wait for a sender, and when somebody looks for one.
CREATE FUNCTION want_dispatch(p_due timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM put_duty('DISPATCH', current_tenant()::text, current_tenant(), p_due)
   WHERE p_due IS NOT NULL;
END
$$;

-- T1 of one draft; the lane says so when all of the call are done.
CREATE FUNCTION arm_one(p_tenant uuid, p_lane uuid, p_token bigint,
                        p_margin interval, p_behind interval, d jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_journey gold_lead_journey;
  v_intent intents;
  v_lane lanes;
  v_unit wa_quota_usage;
  v_phone senders;
  v_limit integer;
  v_full text;
  v_account uuid;
  v_plan_day date;
  v_keeps text;
  v_now timestamptz;
  v_attempt uuid := (d ->> 'attempt')::uuid;
  v_day date := (d ->> 'day')::date;
  v_automatic boolean := (d ->> 'automatic')::boolean;
BEGIN
  -- Locks, in their order.
  SELECT * INTO v_journey FROM gold_lead_journey
   WHERE id = (d ->> 'lead')::uuid FOR UPDATE;
  SELECT * INTO v_intent FROM intents WHERE id = (d ->> 'intent')::uuid FOR UPDATE;
  IF v_day IS NOT NULL THEN
    INSERT INTO wa_quota_usage (tenant_id, phone_id, usage_date, quota_limit)
    VALUES (p_tenant, p_lane, v_day, (d ->> 'limit')::integer)
    ON CONFLICT (phone_id, usage_date) DO NOTHING;
    SELECT * INTO v_unit FROM wa_quota_usage
     WHERE phone_id = p_lane AND usage_date = v_day FOR UPDATE;
  END IF;
  PERFORM lock_budgets(p_tenant, p_lane, d -> 'shares');
  SELECT account_id INTO v_account FROM lanes WHERE id = p_lane;
  IF is_counted(v_account) THEN
    v_plan_day := plan_day_at(engine_now());
    PERFORM lock_plans(p_tenant, v_account, v_plan_day);
  END IF;
  IF EXISTS (SELECT FROM unnest(own_senders(v_journey)) AS own WHERE own <> p_lane) THEN
    -- What waits will follow its lead's own senders.
    PERFORM lock_lanes(own_senders(v_journey) || p_lane);
  END IF;
  SELECT * INTO v_lane FROM lanes WHERE id = p_lane FOR UPDATE;
  v_now := engine_now();

  -- Checks, each over what is committed by now.
  IF v_lane.token <> p_token OR v_lane.calling IS NOT NULL
     OR v_lane.owner IS NULL
     OR v_lane.lease_until <= clock_timestamp() + p_margin THEN
    RETURN 'FENCED';
  END IF;
  IF v_now >= (d ->> 'valid_until')::timestamptz THEN
    RETURN 'LATE';
  END IF;
  IF v_journey.opted_out OR EXISTS (
       SELECT FROM jsonb_array_elements_text(d -> 'addresses') AS a (key)
         JOIN suppressions s ON s.kind = split_part(a.key, ':', 1)
          AND s.value = substr(a.key, strpos(a.key, ':') + 1)) THEN
    RETURN 'SUPPRESSED';
  END IF;
  IF EXISTS (SELECT FROM switches s WHERE s.lifted_at IS NULL AND (
       s.scope IN ('ALL', 'TENANT')
       OR (s.scope = 'CHANNEL' AND s.covers = d ->> 'channel')
       OR (s.scope = 'SENDER' AND s.covers = p_lane::text)
       -- An open breaker: nothing is added to its campaign.
       OR (breaks(s, d ->> 'channel') AND s.covers = (
         SELECT e.campaign_id::text FROM sequence_enrollments e
          WHERE e.id = v_intent.enrollment_id)))) THEN
    RETURN 'SWITCHED_OFF';
  END IF;
  SELECT * INTO v_phone FROM senders WHERE id = p_lane;
  IF v_lane.shut OR (v_lane.new_shut AND (d ->> 'class')::integer = 3) THEN
    RETURN 'SWITCHED_OFF';
  END IF;
  IF NOT may_call(v_lane.account_id, p_lane, p_token) THEN
    RETURN 'AWAY';
  END IF;
  IF v_intent.id IS NULL OR v_intent.status <> 'WAITING'
     OR v_intent.last_n + 1 <> (d ->> 'n')::integer THEN
    RETURN 'TAKEN';
  END IF;
  IF v_journey.version <> (d ->> 'lead_version')::integer
     OR v_intent.lane_id IS DISTINCT FROM p_lane OR v_intent.lead_id <> v_journey.id
     OR v_intent.channel <> d ->> 'channel'
     OR NOT carries(v_phone, d ->> 'channel', d ->> 'thread')
     OR NOT v_journey.current_state
            IN (SELECT jsonb_array_elements_text(d -> 'states'))
     -- Whatever the draft allows: the channel is not for such a lead (INV-8).
     OR NOT may_reach(d ->> 'channel', v_journey.current_state)
     OR (v_automatic AND v_journey.is_human_controlled) THEN
    RETURN 'STALE';
  END IF;
  IF EXISTS (SELECT FROM jsonb_array_elements_text(
                 d -> 'addresses' || to_jsonb('lead:' || v_journey.id)) AS a (key)
               JOIN event_keys k ON k.address_hash = hashtextextended(a.key, 7)
              WHERE k.status IN ('WAITING', 'PARKED') AND k.due_at < 'infinity')
     OR (v_automatic AND v_now - p_behind > (
           SELECT min(k.received_at) FROM event_keys k WHERE k.status = 'WAITING'))
  THEN
    RETURN 'INBOX_BEHIND';
  END IF;
  IF v_day IS NOT NULL THEN
    v_limit := least((d ->> 'limit')::integer, v_phone.daily_quota_limit,
                     v_unit.hard_limit);
    IF NOT v_unit.used + v_unit.external_new < v_limit THEN
      RETURN 'QUOTA';
    END IF;
  END IF;
  v_full := full_budget(v_phone, v_intent.id, d -> 'shares');
  IF v_full IS NOT NULL THEN
    RETURN 'BUDGET ' || v_full;
  END IF;
  IF v_plan_day IS NOT NULL THEN
    SELECT 'BUDGET plan_' || period INTO v_full FROM full_plan(v_account, v_plan_day)
     WHERE period IS NOT NULL;
    IF FOUND THEN
      RETURN v_full;
    END IF;
  END IF;

  -- Armed: from here on the message counts, whatever happens to this process.
  IF v_day IS NOT NULL THEN
    UPDATE wa_quota_usage
       SET used = used + 1, quota_limit = (d ->> 'limit')::integer,
           updated_at = clock_timestamp()
     WHERE phone_id = p_lane AND usage_date = v_day;
  END IF;
  INSERT INTO attempts (id, tenant_id, intent_id, n, lead_id, channel, account_id,
    sender_id, token, send_class, payload_hash, outcome, unit_day, unit_held,
    aftermath, called_at, thread, budget_day, lead_state,
    valid_until, unsubscribe, provider_campaign, plan_day)
  VALUES (v_attempt, p_tenant, v_intent.id, (d ->> 'n')::integer, v_journey.id,
    d ->> 'channel', v_lane.account_id, p_lane, p_token, (d ->> 'class')::smallint,
    d ->> 'hash', 'CALLING', v_day, v_day IS NOT NULL, d -> 'aftermath', v_now,
    d ->> 'thread', (d ->> 'counted_on')::date,
    v_journey.current_state, (d ->> 'valid_until')::timestamptz,
    coalesce(d ->> 'unsubscribe', ''), coalesce(d ->> 'campaign', ''), v_plan_day);
  IF v_plan_day IS NOT NULL THEN
    PERFORM take_plan(p_tenant, v_account, v_plan_day);
  END IF;
  PERFORM take_budgets(p_tenant, p_lane, v_intent.id, v_attempt, d -> 'shares');
  INSERT INTO gold_communication_log (id, created_at, tenant_id, lead_journey_id,
    intent_id, thread_id, channel, direction, content_rendered, variant_hash,
    subject, recipient, request_thread, status, status_updated_at, phone_id,
    mailbox_id, phone_number, sequence_step, quota_cost, template_id,
    template_version_id)
  VALUES (v_attempt, v_now, p_tenant, v_journey.id, v_intent.id, d ->> 'thread',
    d ->> 'channel', 'OUTBOUND', d ->> 'text',
    nullif(d -> 'used' ->> 'variant', ''), d ->> 'subject',
    d ->> 'to', d ->> 'thread', 'QUEUED', v_now,
    CASE v_phone.channel WHEN 'WHATSAPP' THEN p_lane END,
    CASE WHEN v_phone.channel <> 'WHATSAPP' THEN p_lane END, d ->> 'sender_number',
    v_intent.step_number, CASE WHEN v_day IS NULL THEN 0 ELSE 1 END,
    (d -> 'used' ->> 'template')::uuid,
    (SELECT x.id FROM template_texts x
      WHERE x.template_id = (d -> 'used' ->> 'template')::uuid
        AND x.version_number = (d -> 'used' ->> 'number')::integer));
  PERFORM use_version(a, d -> 'used') FROM attempts a
    WHERE a.id = v_attempt AND d -> 'used' <> 'null';
  UPDATE intents SET status = 'OPEN', last_n = last_n + 1,
         updated_at = clock_timestamp() WHERE id = v_intent.id;
  -- The first of a channel is kept; who only answers in a conversation is not.
  IF v_phone.channel = d ->> 'channel'
     AND own_sender(v_journey, v_phone.channel) IS NULL THEN
    v_keeps := v_phone.channel;
  END IF;
  UPDATE gold_lead_journey
     SET assigned_phone_id = coalesce(assigned_phone_id,
           CASE v_keeps WHEN 'WHATSAPP' THEN p_lane END),
         assigned_mailbox_id = coalesce(assigned_mailbox_id,
           CASE v_keeps WHEN 'EMAIL_COLD' THEN p_lane END),
         assigned_warm_mailbox_id = coalesce(assigned_warm_mailbox_id,
           CASE v_keeps WHEN 'EMAIL_WARM' THEN p_lane END),
         -- Whoever loaded the lead before would undo this: it must look again.
         version = version + (v_keeps IS NOT NULL)::integer,
         assigned_at = coalesce(assigned_at, v_now),
         quota_consumption_date = coalesce(v_day, quota_consumption_date)
   WHERE id = v_journey.id;
  PERFORM note_decision(v_intent.id, v_attempt, d -> 'decision', '');
  RETURN '';
END
$$;

-- States in which a lead may be written to on a channel: domain.channel.
CREATE FUNCTION may_reach(p_channel text, p_state text) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN p_state IN ('WARM_REPLY', 'NEGOTIATION', 'CONVERTED')
       AND p_channel <> 'EMAIL_COLD'
    OR p_state IN ('COLD', 'CONTACTED_WA', 'CONTACTED_EMAIL')
       AND p_channel <> 'EMAIL_WARM';

-- Moves a journey because of a send, if the lead is still cold; answers from where.
CREATE FUNCTION move_sent(p_lead uuid, p_to text, p_channel text, p_at timestamptz,
                          p_by text)
RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_journey gold_lead_journey;
  v_newest boolean;
  v_moves boolean;
BEGIN
  SELECT * INTO v_journey FROM gold_lead_journey WHERE id = p_lead;
  -- Facts may come in any order: an older send moves nobody but a COLD lead.
  v_newest := v_journey.last_contact_at IS NULL
    OR (p_at, p_channel) >= (v_journey.last_contact_at,
                             coalesce(v_journey.last_channel_used, ''));
  v_moves := p_to IS NOT NULL AND v_journey.current_state <> p_to
    AND (v_newest OR v_journey.current_state = 'COLD')
    AND v_journey.current_state IN ('COLD', 'CONTACTED_WA', 'CONTACTED_EMAIL');
  UPDATE gold_lead_journey
     SET current_state = CASE WHEN v_moves THEN p_to ELSE current_state END,
         previous_state = CASE
           WHEN v_moves THEN current_state
           WHEN previous_state = 'COLD' AND current_state IN ('WARM_REPLY', 'PAUSED')
             THEN coalesce(p_to, previous_state)
           ELSE previous_state END,
         state_changed_at = CASE WHEN v_moves THEN p_at ELSE state_changed_at END,
         state_change_reason = CASE WHEN v_moves THEN 'sent'
                                    ELSE state_change_reason END,
         first_contact_at = least(first_contact_at, p_at),
         last_contact_at = greatest(last_contact_at, p_at),
         first_contact_channel = coalesce(first_contact_channel, p_channel),
         last_channel_used = CASE WHEN v_newest THEN p_channel
                                  ELSE last_channel_used END,
         is_new_contact = false,
         version = version + 1, updated_at = clock_timestamp()
   WHERE id = p_lead;
  IF v_moves THEN
    INSERT INTO transition_log (tenant_id, lead_id, state_before, state_after, at,
                                caused_by, why)
    VALUES (v_journey.tenant_id, p_lead, v_journey.current_state, p_to, p_at, p_by,
            'sent');
    RETURN v_journey.current_state;
  END IF;
  RETURN NULL;
END
$$;

-- What follows a message that counts as sent: the move, and the next step or the
-- end by silence. Locked before: the lead.
CREATE FUNCTION after_sent(a attempts, p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_intent intents;
  v_enrolment sequence_enrollments;
  v_next jsonb := a.aftermath -> 'next';
  v_due timestamptz;
  v_from text;
  v_lane uuid;
BEGIN
  SELECT * INTO v_intent FROM intents WHERE id = a.intent_id;
  v_from := move_sent(a.lead_id, a.aftermath ->> 'move_to', a.channel, a.called_at,
                      'attempt ' || a.id);
  UPDATE attempts SET moved_from = v_from WHERE id = a.id;
  SELECT * INTO v_enrolment FROM sequence_enrollments
   WHERE id = v_intent.enrollment_id FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE sequence_enrollments
     SET current_step = greatest(current_step, v_intent.step_number),
         messages_sent = messages_sent + 1, updated_at = clock_timestamp()
   WHERE id = v_enrolment.id;
  IF v_enrolment.status <> 'ACTIVE' THEN
    RETURN;
  END IF;
  IF v_next IS NOT NULL AND v_next <> 'null' THEN
    v_due := p_now + make_interval(secs => (v_next ->> 'delay')::double precision);
    SELECT own_sender(j, v_next ->> 'channel') INTO v_lane
      FROM gold_lead_journey j WHERE j.id = a.lead_id;
    INSERT INTO intents (id, tenant_id, lead_id, enrollment_id, step_id, step_number,
                         send_class, channel, lane_id, window_key, due_at)
    VALUES ((v_next ->> 'intent')::uuid, a.tenant_id, a.lead_id, v_enrolment.id,
            (v_next ->> 'step')::uuid, (v_next ->> 'number')::integer, 2,
            v_next ->> 'channel', v_lane, v_enrolment.window_key, v_due)
    ON CONFLICT (id) DO NOTHING;
    UPDATE attempts SET next_intent = (v_next ->> 'intent')::uuid WHERE id = a.id;
    IF v_lane IS NOT NULL THEN
      PERFORM ensure_window(v_lane, v_enrolment.window_key);
      PERFORM refresh_lane(v_lane);
    ELSE
      PERFORM want_dispatch(v_due);
    END IF;
  ELSE
    v_due := p_now + make_interval(
      secs => coalesce((a.aftermath ->> 'ends_in')::double precision, 0));
    PERFORM put_duty('SEQUENCE_END', v_enrolment.id::text, a.tenant_id, v_due);
  END IF;
  UPDATE sequence_enrollments SET next_step_at = v_due WHERE id = v_enrolment.id;
  UPDATE gold_lead_journey SET next_action_at = v_due, sequence_step = v_intent.step_number
   WHERE id = a.lead_id;
END
$$;

CREATE FUNCTION ensure_window(p_lane uuid, p_key text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  INSERT INTO lane_windows (lane_id, window_key) VALUES (p_lane, p_key)
  ON CONFLICT DO NOTHING;
END
$$;

-- Gives an attempt's unit back, and what it took of further budgets, once.
CREATE FUNCTION give_back(p_attempt uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_attempt attempts;
BEGIN
  PERFORM give_budgets_back(p_attempt);
  PERFORM give_plan_back(p_attempt);
  UPDATE attempts SET unit_held = false WHERE id = p_attempt AND unit_held
  RETURNING * INTO v_attempt;
  IF FOUND THEN
    UPDATE wa_quota_usage SET used = used - 1, updated_at = clock_timestamp()
     WHERE phone_id = v_attempt.sender_id AND usage_date = v_attempt.unit_day;
    UPDATE lanes SET new_gate_at = '-infinity' WHERE id = v_attempt.sender_id;
  END IF;
END
$$;

-- Locks what an attempt touches, in the order of the protocol.
CREATE FUNCTION lock_attempt(p_attempt uuid) RETURNS attempts
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_attempt attempts;
  v_own uuid[];
BEGIN
  SELECT * INTO v_attempt FROM attempts WHERE id = p_attempt;
  SELECT own_senders(j) INTO v_own FROM gold_lead_journey j
   WHERE id = v_attempt.lead_id FOR UPDATE;
  PERFORM FROM intents WHERE id = v_attempt.intent_id FOR UPDATE;
  PERFORM lock_days_of(ARRAY[p_attempt]);
  PERFORM lock_budgets_of(p_attempt);
  PERFORM lock_plans_of(ARRAY[p_attempt]);
  -- What follows may wait in another lane: of the lead's own, or of the next step.
  PERFORM lock_lanes(v_own || v_attempt.sender_id || (
    SELECT lane_id FROM intents WHERE id = v_attempt.next_intent));
  PERFORM lock_health(ARRAY[p_attempt]);
  SELECT * INTO v_attempt FROM attempts WHERE id = p_attempt FOR UPDATE;
  RETURN v_attempt;
END
$$;

-- The days in which attempts count, whether or not they hold a unit of them.
CREATE FUNCTION lock_days_of(p_attempts uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM lock_day(x.tenant_id, x.sender_id, x.day, x.most) FROM (
    SELECT DISTINCT a.tenant_id, a.sender_id,
           coalesce(a.unit_day, (a.called_at AT TIME ZONE p.time_zone)::date) AS day,
           p.daily_quota_limit AS most
      FROM attempts a JOIN senders p ON p.id = a.sender_id
     WHERE a.id = ANY (p_attempts) ORDER BY 2, 3) AS x;
END
$$;

-- As lock_attempt, for many, with other lanes that will be touched.
CREATE FUNCTION lock_attempts(p_attempts uuid[], p_lanes uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM FROM gold_lead_journey WHERE id IN (
    SELECT lead_id FROM attempts WHERE id = ANY (p_attempts)) ORDER BY id FOR UPDATE;
  PERFORM FROM intents WHERE id IN (
    SELECT intent_id FROM attempts WHERE id = ANY (p_attempts)) ORDER BY id FOR UPDATE;
  PERFORM lock_days_of(p_attempts);
  PERFORM FROM budget_use WHERE (sender_id, key) IN (
    SELECT sender_id, key FROM budget_units WHERE attempt_id = ANY (p_attempts))
   ORDER BY sender_id, key FOR UPDATE;
  PERFORM lock_plans_of(p_attempts);
  PERFORM lock_lanes(p_lanes || ARRAY(
    SELECT unnest(own_senders(j) || a.sender_id || n.lane_id)
      FROM attempts a JOIN gold_lead_journey j ON j.id = a.lead_id
      LEFT JOIN intents n ON n.id = a.next_intent WHERE a.id = ANY (p_attempts)));
  PERFORM lock_health(p_attempts);
END
$$;

CREATE FUNCTION left_doc(p_attempt uuid) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN (
    SELECT jsonb_build_object('attempt', id, 'intent', intent_id, 'outcome', outcome,
      'spent', unit_held OR holds_budgets(id), 'sender', sender_id,
      'day', coalesce(unit_day, budget_day))
      FROM attempts WHERE id = p_attempt);
END
$$;

-- Records that an attempt is ACCEPTED. Locked before: all of lock_attempt.
CREATE FUNCTION accept_attempt(a attempts, p_ref text, p_thread text,
                               p_now timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE attempts SET outcome = 'ACCEPTED', settled_at = p_now,
         external_ref = coalesce(nullif(p_ref, ''), external_ref),
         thread = coalesce(nullif(p_thread, ''), thread)
   WHERE id = a.id;
  DELETE FROM duties WHERE kind = 'LOOK' AND key = a.id::text;
  UPDATE intents SET status = 'DONE', updated_at = clock_timestamp()
   WHERE id = a.intent_id;
  -- Only now do they know each other: after a send that may never have arrived, the
  -- next one is a new contact again and costs a unit.
  INSERT INTO conversations (tenant_id, sender_id, lead_id, thread)
  VALUES (a.tenant_id, a.sender_id, a.lead_id, coalesce(p_thread, a.thread))
  ON CONFLICT (sender_id, lead_id) DO UPDATE
     SET thread = coalesce(nullif(excluded.thread, ''), conversations.thread);
  UPDATE gold_communication_log
     SET status = CASE WHEN status IN ('QUEUED', 'UNKNOWN') THEN 'ACCEPTED' ELSE status END,
         status_updated_at = p_now, sent_at = a.called_at,
         external_message_id = coalesce(nullif(p_ref, ''), external_message_id),
         thread_id = coalesce(nullif(p_thread, ''), thread_id),
         updated_at = clock_timestamp()
   WHERE id = a.id AND created_at = a.called_at;
  PERFORM tally('sent', a.channel, 1);
  PERFORM count_mail(a.id, 1, 0, 0, 0);
  INSERT INTO wa_quota_usage AS q (tenant_id, phone_id, usage_date, quota_limit,
    new_contacts_sent, followups_sent, first_message_at, last_message_at)
  SELECT a.tenant_id, p.id,
         coalesce(a.unit_day, (a.called_at AT TIME ZONE p.time_zone)::date),
         p.daily_quota_limit, (a.unit_day IS NOT NULL)::integer,
         (a.unit_day IS NULL)::integer, a.called_at, a.called_at
    FROM senders p WHERE p.id = a.sender_id
  ON CONFLICT (phone_id, usage_date) DO UPDATE
     SET new_contacts_sent = q.new_contacts_sent + excluded.new_contacts_sent,
         followups_sent = q.followups_sent + excluded.followups_sent,
         first_message_at = least(q.first_message_at, excluded.first_message_at),
         last_message_at = greatest(q.last_message_at, excluded.last_message_at),
         updated_at = clock_timestamp();
  UPDATE senders
     SET last_message_sent_at = greatest(last_message_sent_at, a.called_at),
         total_messages_sent = total_messages_sent + 1
   WHERE id = a.sender_id;
END
$$;

-- T2. Keyed by the attempt and its state, not by the lease: a late truth lands.
CREATE FUNCTION settle(p_results jsonb, p_first_look interval, p_give_up interval)
RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  r jsonb;
BEGIN
  IF jsonb_array_length(p_results) > 1 THEN
    PERFORM set_config('app.tenant', p_results -> 0 ->> 'tenant', true);
    PERFORM lock_attempts(ARRAY(
      SELECT (x ->> 'attempt')::uuid FROM jsonb_array_elements(p_results) AS x), '{}');
  END IF;
  FOR r IN SELECT * FROM jsonb_array_elements(p_results) LOOP
    PERFORM set_config('app.tenant', r ->> 'tenant', true);
    PERFORM settle_one(r, p_first_look, p_give_up);
    RETURN NEXT left_doc((r ->> 'attempt')::uuid);
  END LOOP;
END
$$;

-- T2 of several calls in one commit: [[result, ...], ...] of one tenant; as arm_lanes,
-- it waits for no lead. One answer for each: NULL if it is to be asked alone.
CREATE FUNCTION settle_calls(p_asked jsonb, p_first_look interval,
                             p_give_up interval)
RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_results jsonb;
  v_attempts uuid[];
  v_all uuid[] := '{}';
  v_ours boolean[] := '{}';
BEGIN
  PERFORM set_config('app.tenant', p_asked -> 0 -> 0 ->> 'tenant', true);
  FOR v_results IN SELECT * FROM jsonb_array_elements(p_asked) LOOP
    v_attempts := ARRAY(SELECT (r ->> 'attempt')::uuid
                          FROM jsonb_array_elements(v_results) AS r);
    v_ours := v_ours || can_lock_leads(ARRAY(
      SELECT (SELECT lead_id FROM attempts WHERE id = x) FROM unnest(v_attempts) AS x));
    IF v_ours[cardinality(v_ours)] THEN
      v_all := v_all || v_attempts;
    END IF;
  END LOOP;
  PERFORM lock_attempts(v_all, '{}');
  FOR n IN 1 .. cardinality(v_ours) LOOP
    RETURN NEXT CASE WHEN v_ours[n] THEN (
      SELECT coalesce(jsonb_agg(left_doc), '[]')
        FROM settle(p_asked -> (n - 1), p_first_look, p_give_up) AS left_doc) END;
  END LOOP;
END
$$;

CREATE FUNCTION settle_one(r jsonb, p_first_look interval, p_give_up interval)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  a attempts := lock_attempt((r ->> 'attempt')::uuid);
  v_now timestamptz := engine_now();
  v_outcome text := r ->> 'outcome';
  v_was text := a.outcome;
BEGIN
  IF a.id IS NULL OR NOT (a.outcome = 'CALLING'
       OR (a.outcome = 'UNKNOWN' AND v_outcome <> 'UNKNOWN')) THEN
    RETURN;
  END IF;
  IF v_outcome = 'UNKNOWN' AND a.evidence THEN
    v_outcome := 'ACCEPTED';
  END IF;
  PERFORM note_health(a, r, v_now);
  IF v_outcome IN ('ACCEPTED', 'UNKNOWN') THEN
    a.thread := coalesce(nullif(r ->> 'thread', ''), a.thread);
    IF v_was = 'CALLING' THEN
      PERFORM after_sent(a, v_now);
    END IF;
    IF v_outcome = 'ACCEPTED' THEN
      PERFORM accept_attempt(a, r ->> 'ref', r ->> 'thread', v_now);
    ELSE
      UPDATE attempts SET outcome = 'UNKNOWN', detail = r ->> 'detail',
             give_up_at = v_now + p_give_up WHERE id = a.id;
      INSERT INTO duties (kind, key, tenant_id, due_at)
      VALUES ('LOOK', a.id::text, a.tenant_id, v_now + p_first_look)
      ON CONFLICT (kind, key) DO NOTHING;
      UPDATE gold_communication_log
         SET status = 'UNKNOWN', status_updated_at = v_now,
             error_message = r ->> 'detail', updated_at = clock_timestamp()
       WHERE id = a.id AND created_at = a.called_at AND status = 'QUEUED';
    END IF;
  ELSE
    PERFORM refuse_attempt(a, r, v_now);
  END IF;
  PERFORM count_use(a.id);
  PERFORM release_lane(a, r, v_now);
  PERFORM note_call(a, r, v_outcome, v_now);
  PERFORM note_signal(a, r, v_now);
END
$$;

-- REFUSED or RELEASED: the unit back, and the message on its way again or ended.
CREATE FUNCTION refuse_attempt(a attempts, r jsonb, p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_review boolean := coalesce(r -> 'review', 'null') <> 'null';
  v_gone_on boolean := false;
BEGIN
  UPDATE attempts SET outcome = r ->> 'outcome', settled_at = p_now,
         detail = coalesce(r ->> 'detail', '') WHERE id = a.id;
  DELETE FROM duties WHERE kind = 'LOOK' AND key = a.id::text;
  IF NOT coalesce((r ->> 'keep_unit')::boolean, false) THEN
    PERFORM give_back(a.id);
  END IF;
  IF a.outcome = 'UNKNOWN' THEN
    v_gone_on := undo_sent(a, p_now);
  END IF;
  UPDATE gold_communication_log
     SET status = 'FAILED', status_updated_at = p_now,
         error_message = r ->> 'detail', updated_at = clock_timestamp()
   WHERE id = a.id AND created_at = a.called_at;
  IF coalesce((r ->> 'nobody_there')::boolean, false) THEN
    PERFORM nobody_there(a, 'invalid');
  END IF;
  PERFORM try_again(a, r, p_now, v_gone_on);
  IF v_review AND v_gone_on THEN
    PERFORM end_enrolment(i.enrollment_id, 'PAUSED', r -> 'review' ->> 'reason')
      FROM intents i WHERE i.id = a.intent_id;
  END IF;
  IF v_review THEN
    PERFORM put_review(r -> 'review', 'OPENED', 'engine', '');
  END IF;
END
$$;

-- What was provably not sent waits, goes another way, or ends. p_gone_on: a later
-- step was tried already, so this one stays done.
CREATE FUNCTION try_again(a attempts, r jsonb, p_now timestamptz, p_gone_on boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_intent intents;
  v_due timestamptz := p_now + make_interval(
    secs => coalesce((r ->> 'retry_in')::double precision, 0));
  v_to text := r ->> 'fall_back_to';
BEGIN
  IF p_gone_on THEN
    UPDATE intents SET status = 'DONE', status_reason = r ->> 'outcome',
           updated_at = clock_timestamp() WHERE id = a.intent_id;
    RETURN;
  END IF;
  UPDATE intents
     SET attempts = attempts
           + (NOT coalesce((r ->> 'lane_refused')::boolean, false))::integer,
         status = 'WAITING', updated_at = clock_timestamp(), due_at = v_due,
         -- It opens a conversation after all.
         send_class = CASE WHEN a.outcome = 'UNKNOWN' AND a.unit_day IS NOT NULL
                           THEN 3 ELSE send_class END
   WHERE id = a.intent_id RETURNING * INTO v_intent;
  IF v_intent.cancel_reason <> '' THEN
    PERFORM cancel_intent(v_intent.id, v_intent.cancel_reason, false);
  ELSIF coalesce(r -> 'review', 'null') <> 'null' THEN
    UPDATE intents SET status = 'HELD', status_reason = r -> 'review' ->> 'reason'
     WHERE id = v_intent.id;
    PERFORM end_enrolment(v_intent.enrollment_id, 'PAUSED',
                          r -> 'review' ->> 'reason');
  ELSIF r ->> 'outcome' = 'REFUSED' AND v_to IS NULL THEN
    PERFORM cancel_intent(v_intent.id, 'UNREACHABLE', true);
    PERFORM unreachable(a.lead_id, p_now, 'UNREACHABLE');
  ELSIF v_to IS NOT NULL THEN
    PERFORM reroute(v_intent.id, v_to, v_due);
  ELSE
    PERFORM go_on(a, r, p_now);
  END IF;
  PERFORM refresh_lane(a.sender_id);
END
$$;

-- It was accepted and came back: whether its run goes on or not, it has not been sent,
-- unless a later step was tried. Its step is to do again if the run goes on. It left its
-- sender all the same, and counts there.
CREATE FUNCTION returned(a attempts) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_intent intents;
  v_run sequence_enrollments;
BEGIN
  SELECT * INTO v_intent FROM intents WHERE id = a.intent_id AND status = 'DONE';
  IF NOT FOUND OR gone_on(a) THEN
    RETURN;
  END IF;
  SELECT * INTO v_run FROM sequence_enrollments WHERE id = v_intent.enrollment_id;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM undo_sent(a, engine_now());
  UPDATE attempts SET outcome = 'REFUSED', detail = 'returned' WHERE id = a.id;
  PERFORM count_use(a.id);
  UPDATE intents
     SET status = CASE v_run.status WHEN 'ACTIVE' THEN 'WAITING'
                                    WHEN 'PAUSED' THEN 'HELD' ELSE 'CANCELLED' END,
         status_reason = CASE v_run.status WHEN 'ACTIVE' THEN ''
                                           WHEN 'PAUSED' THEN 'returned'
                                           ELSE coalesce(v_run.stop_reason, '') END,
         due_at = CASE v_run.status WHEN 'ACTIVE' THEN engine_now() ELSE due_at END,
         updated_at = clock_timestamp() WHERE id = a.intent_id;
  PERFORM refresh_lane(v_intent.lane_id);
END
$$;

-- What a message was sent to leads nowhere: it is written to no more.
CREATE FUNCTION nobody_there(a attempts, p_status text) RETURNS void
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS $$
  UPDATE leads d
     SET phone_status = CASE c.kind WHEN 'phone' THEN p_status ELSE d.phone_status END,
         email_status = CASE c.kind WHEN 'email' THEN p_status ELSE d.email_status END,
         version = d.version + 1, updated_at = clock_timestamp()
    FROM (SELECT DISTINCT ON (x.kind) x.kind, x.value FROM contact_points x
           WHERE x.tenant_id = (a).tenant_id AND x.lead_id = (a).lead_id
             AND x.kind = CASE (a).channel WHEN 'WHATSAPP' THEN 'phone'
                                           ELSE 'email' END
           ORDER BY x.kind, x.rank) AS c,
         gold_communication_log g
   WHERE d.id = (a).lead_id AND g.id = (a).id AND g.created_at = (a).called_at
     AND g.recipient = c.value
     AND p_status IS DISTINCT FROM CASE c.kind WHEN 'phone' THEN d.phone_status
                                               ELSE d.email_status END
$$;

CREATE FUNCTION unreachable(p_lead uuid, p_at timestamptz, p_why text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_journey gold_lead_journey;
BEGIN
  SELECT * INTO v_journey FROM gold_lead_journey WHERE id = p_lead;
  IF v_journey.current_state NOT IN ('COLD', 'CONTACTED_WA', 'CONTACTED_EMAIL') THEN
    RETURN;
  END IF;
  UPDATE gold_lead_journey
     SET previous_state = current_state, current_state = 'DEAD',
         dead_cause = 'UNREACHABLE', state_changed_at = p_at,
         state_change_reason = p_why, version = version + 1,
         updated_at = clock_timestamp()
   WHERE id = p_lead;
  INSERT INTO transition_log (tenant_id, lead_id, state_before, state_after, at,
                              caused_by, why)
  VALUES (v_journey.tenant_id, p_lead, v_journey.current_state, 'DEAD', p_at,
          'provider', p_why);
END
$$;

-- A later step was tried already: the run stays where it is.
CREATE FUNCTION gone_on(a attempts) RETURNS boolean
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT EXISTS (SELECT FROM intents WHERE id = (a).next_intent AND last_n > 0)
    OR EXISTS (SELECT FROM intents i
                 JOIN sequence_enrollments e ON e.id = i.enrollment_id
                WHERE i.id = (a).intent_id AND e.current_step > i.step_number)
$$;

-- Takes back what counted as sent and provably was not; true: a later step was tried
-- already, and the run stays where it is.
CREATE FUNCTION undo_sent(a attempts, p_now timestamptz) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_journey gold_lead_journey;
  v_step intents;
  v_lane uuid;
  v_gone_on boolean := gone_on(a);
  v_last boolean;
BEGIN
  SELECT * INTO v_step FROM intents WHERE id = a.intent_id;
  UPDATE sequence_enrollments SET messages_sent = messages_sent - 1,
         updated_at = clock_timestamp() WHERE id = v_step.enrollment_id;
  IF v_gone_on THEN
    RETURN true;
  END IF;
  -- Its id is the step's own, so it must be free to be planned again.
  DELETE FROM intents WHERE id = a.next_intent AND last_n = 0
  RETURNING lane_id INTO v_lane;
  PERFORM refresh_lane(v_lane);
  DELETE FROM duties WHERE kind = 'SEQUENCE_END' AND key = v_step.enrollment_id::text;
  UPDATE sequence_enrollments
     SET current_step = v_step.step_number - 1, next_step_at = p_now
   WHERE id = v_step.enrollment_id;
  SELECT * INTO v_journey FROM gold_lead_journey WHERE id = a.lead_id;
  v_last := v_journey.last_contact_at = a.called_at;
  IF v_last THEN
    PERFORM not_contacted_by(a);
  END IF;
  IF a.moved_from IS NOT NULL AND v_last
     AND v_journey.current_state = a.aftermath ->> 'move_to' THEN
    UPDATE gold_lead_journey
       SET current_state = a.moved_from, previous_state = current_state,
           state_changed_at = p_now, state_change_reason = 'proven not sent',
           version = version + 1, updated_at = clock_timestamp()
     WHERE id = a.lead_id;
    INSERT INTO transition_log (tenant_id, lead_id, state_before, state_after, at,
                                caused_by, why)
    VALUES (a.tenant_id, a.lead_id, v_journey.current_state, a.moved_from, p_now,
            'attempt ' || a.id, 'proven not sent');
  END IF;
  RETURN false;
END
$$;

-- The lead's first and last contact, without that attempt.
CREATE FUNCTION not_contacted_by(a attempts) RETURNS void
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS $$
  UPDATE gold_lead_journey j
     SET first_contact_at = o.times[1], first_contact_channel = o.channels[1],
         last_contact_at = o.times[cardinality(o.times)],
         last_channel_used = o.channels[cardinality(o.channels)],
         is_new_contact = o.times IS NULL,
         version = version + 1, updated_at = clock_timestamp()
    FROM (SELECT array_agg(x.called_at ORDER BY x.called_at, x.channel) AS times,
                 array_agg(x.channel ORDER BY x.called_at, x.channel) AS channels
            FROM attempts x
           WHERE x.lead_id = (a).lead_id AND x.id <> (a).id
             AND x.outcome IN ('ACCEPTED', 'UNKNOWN', 'ABANDONED')) AS o
   WHERE j.id = (a).lead_id
$$;

-- Lets the lane of a finished call go on after its gap, once every message of the call
-- has its outcome; a newer claim is not touched.
CREATE FUNCTION release_lane(a attempts, r jsonb, p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_rest double precision := coalesce((r ->> 'rest')::double precision, 0);
  v_refused boolean := coalesce((r ->> 'lane_refused')::boolean, false);
  v_last boolean := (SELECT calling = ARRAY[a.id] FROM lanes WHERE id = a.sender_id);
BEGIN
  UPDATE lanes
     SET calling = CASE WHEN v_last THEN NULL ELSE array_remove(calling, a.id) END,
         call_deadline = CASE WHEN v_last THEN NULL ELSE call_deadline END,
         owner = CASE WHEN v_last THEN NULL ELSE owner END,
         lease_until = CASE WHEN v_last THEN NULL ELSE lease_until END,
         -- Turns are of follow-ups and new contacts, and only what counts as sent
         -- takes one.
         last_was_new = CASE
           WHEN a.send_class IN (2, 3) AND r ->> 'outcome' IN ('ACCEPTED', 'UNKNOWN')
           THEN a.send_class = 3 ELSE last_was_new END,
         gate_at = greatest(gate_at, p_now + make_interval(
           secs => coalesce((r ->> 'gap')::double precision, 0))),
         -- Of many messages in one call, the longest wait asked for.
         backoff_until = CASE
           WHEN v_rest > 0 THEN greatest(backoff_until, p_now + make_interval(
             secs => v_rest * engine_speed()))
           WHEN v_refused THEN greatest(backoff_until, p_now + make_interval(
             secs => (r ->> 'gap')::double precision))
           WHEN backoff_until > p_now THEN backoff_until END,
         -- Many messages in one call are one call.
         backoffs = CASE WHEN NOT v_last THEN backoffs
                         WHEN v_refused THEN backoffs + 1 ELSE 0 END
   WHERE id = a.sender_id AND a.id = ANY (calling);
  IF FOUND AND v_refused AND v_last THEN
    PERFORM tally('decision', 'PROVIDER_BACKOFF', 1);
  END IF;
  PERFORM refresh_lane(a.sender_id);
END
$$;

-- Nobody will say how the call ended. It holds locks of other calls, out of order, so
-- it waits for a moment at most; false: another has it, and it is lost the next time.
CREATE FUNCTION lose_call(p_attempt uuid, p_why text, p_gap interval,
                          p_first_look interval, p_give_up interval)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM set_config('lock_timeout', '100ms', true);
  PERFORM settle_one(jsonb_build_object('attempt', p_attempt, 'outcome', 'UNKNOWN',
    'detail', p_why, 'gap', extract(epoch FROM p_gap)), p_first_look, p_give_up);
  RETURN true;
EXCEPTION WHEN lock_not_available THEN
  RETURN false;
END
$$;

-- Calls past their deadline become UNKNOWN, whatever the state of their sender;
-- the lane goes on after p_gap.
CREATE FUNCTION give_up(p_limit integer, p_gap interval, p_first_look interval,
                        p_give_up interval)
RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_lane record;
  v_attempt uuid;
BEGIN
  FOR v_lane IN
    SELECT id, tenant_id, calling FROM lanes
     WHERE calling IS NOT NULL AND call_deadline < (SELECT clock_timestamp())
     ORDER BY call_deadline LIMIT p_limit
  LOOP
    PERFORM set_config('app.tenant', v_lane.tenant_id::text, true);
    FOREACH v_attempt IN ARRAY v_lane.calling LOOP
      CONTINUE WHEN NOT EXISTS (
        SELECT FROM gold_lead_journey j JOIN attempts a ON a.lead_id = j.id
         WHERE a.id = v_attempt FOR UPDATE OF j SKIP LOCKED);
      IF lose_call(v_attempt, 'no outcome was recorded in time', p_gap, p_first_look,
                   p_give_up) THEN
        RETURN NEXT left_doc(v_attempt);
      END IF;
    END LOOP;
  END LOOP;
END
$$;

-- Claims of incarnations that are proven dead end at once.
CREATE FUNCTION forsake(p_pattern text, p_gap interval, p_first_look interval,
                        p_give_up interval)
RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_lane record;
  v_attempt uuid;
  v_count integer := 0;
BEGIN
  FOR v_lane IN
    SELECT id, tenant_id, calling FROM lanes WHERE owner LIKE p_pattern ORDER BY id
  LOOP
    PERFORM set_config('app.tenant', v_lane.tenant_id::text, true);
    IF v_lane.calling IS NOT NULL THEN
      FOREACH v_attempt IN ARRAY v_lane.calling LOOP
        PERFORM lose_call(v_attempt, 'the process died in the call', p_gap,
                          p_first_look, p_give_up);
      END LOOP;
    ELSE
      -- What another has, the end of the lease frees.
      PERFORM FROM lanes WHERE id = v_lane.id FOR UPDATE SKIP LOCKED;
      CONTINUE WHEN NOT FOUND;
      UPDATE lanes SET owner = NULL, lease_until = NULL,
             gate_at = greatest(gate_at, engine_now() + p_gap) WHERE id = v_lane.id;
      PERFORM refresh_lane(v_lane.id);
    END IF;
    v_count := v_count + 1;
  END LOOP;
  UPDATE duties
     SET owner = NULL, lease_until = NULL, taken_at = NULL,
         due_at = least(due_at, again_at), again_at = NULL
   WHERE owner LIKE p_pattern;
  UPDATE event_keys SET tries = tries + 1 WHERE id = (
    SELECT id FROM event_keys
     WHERE owner LIKE p_pattern AND status IN ('WAITING', 'PARKED')
     ORDER BY received_at, id LIMIT 1);
  UPDATE event_keys SET owner = NULL, lease_until = NULL
   WHERE owner LIKE p_pattern AND status IN ('WAITING', 'PARKED');
  RETURN v_count;
END
$$;

-- Attempts that are due for a look, leased like duties.
CREATE FUNCTION doubtful(p_who text, p_limit integer, p_lease interval)
RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_duty record;
BEGIN
  FOR v_duty IN
    UPDATE duties SET owner = p_who, lease_until = clock_timestamp() + p_lease
     WHERE (kind, key) IN (
       SELECT kind, key FROM duties
        WHERE kind = 'LOOK' AND due_at <= (SELECT engine_now())
          AND NOT (SELECT instance_held())
          AND (owner IS NULL OR lease_until < clock_timestamp())
        ORDER BY due_at LIMIT p_limit FOR UPDATE SKIP LOCKED)
    RETURNING key, tenant_id
  LOOP
    PERFORM set_config('app.tenant', v_duty.tenant_id::text, true);
    RETURN QUERY
      SELECT jsonb_build_object('attempt', a.id, 'intent', a.intent_id,
        'tenant', a.tenant_id, 'lead', a.lead_id, 'account', a.account_id,
        'sender', a.sender_id, 'class', a.send_class, 'channel', a.channel,
        'state', j.current_state, 'sender_number', g.phone_number,
        'to', g.recipient, 'text', g.content_rendered, 'subject', g.subject,
        'thread', g.request_thread, 'unsubscribe', a.unsubscribe,
        'campaign', a.provider_campaign, 'called_at', a.called_at,
        'called_on', a.called_on, 'now', engine_now(), 'looks', a.looks,
        'overdue', a.give_up_at <= engine_now())
        FROM attempts a
        JOIN gold_lead_journey j ON j.id = a.lead_id
        JOIN gold_communication_log g ON g.id = a.id AND g.created_at = a.called_at
       WHERE a.id = v_duty.key::uuid AND a.outcome = 'UNKNOWN';
  END LOOP;
END
$$;

-- Whether T1 would let a message go now, of which nobody knows whether it went.
CREATE FUNCTION may_repeat(p_tenant uuid, p_attempt uuid, p_behind interval)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM set_config('app.tenant', p_tenant::text, true);
  RETURN EXISTS (
    SELECT FROM attempts a
      JOIN gold_lead_journey j ON j.id = a.lead_id
      JOIN intents i ON i.id = a.intent_id
      LEFT JOIN sequence_enrollments e ON e.id = i.enrollment_id
     WHERE a.id = p_attempt AND a.outcome = 'UNKNOWN' AND engine_now() < a.valid_until
       AND NOT j.opted_out AND may_reach(a.channel, j.current_state)
       AND NOT (a.send_class <> 0 AND j.is_human_controlled)
       AND e.status IS DISTINCT FROM 'STOPPED'
       AND NOT EXISTS (SELECT FROM switches s WHERE s.lifted_at IS NULL AND (
         s.scope IN ('ALL', 'TENANT')
         OR (s.scope = 'CHANNEL' AND s.covers = a.channel)
         OR (s.scope = 'SENDER' AND s.covers = a.sender_id::text)
         OR (breaks(s, a.channel) AND s.covers = e.campaign_id::text)))
       AND NOT EXISTS (SELECT FROM contact_points c
         JOIN suppressions s ON (s.kind = c.kind AND s.value = c.value)
           OR (c.kind = 'email' AND (s.kind, s.value) IN (
                 ('email', mailbox(c.value)), ('domain', split_part(c.value, '@', 2))))
        WHERE c.tenant_id = p_tenant AND c.lead_id = a.lead_id)
       AND NOT EXISTS (SELECT FROM event_keys k
        WHERE k.address_hash = hashtextextended('lead:' || a.lead_id, 7)
          AND k.status IN ('WAITING', 'PARKED') AND k.due_at < 'infinity')
       AND NOT EXISTS (SELECT FROM contact_points c
         JOIN event_keys k
           ON k.address_hash = hashtextextended(c.kind || ':' || c.value, 7)
        WHERE c.tenant_id = p_tenant AND c.lead_id = a.lead_id
          AND k.status IN ('WAITING', 'PARKED') AND k.due_at < 'infinity')
       AND (a.send_class = 0 OR engine_now() - p_behind <= coalesce((
         SELECT min(k.received_at) FROM event_keys k WHERE k.status = 'WAITING'),
         'infinity')));
END
$$;

CREATE FUNCTION resolve(p_resolutions jsonb) RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  r jsonb;
BEGIN
  FOR r IN SELECT * FROM jsonb_array_elements(p_resolutions) LOOP
    PERFORM set_config('app.tenant', r ->> 'tenant', true);
    PERFORM resolve_one(r);
    RETURN NEXT left_doc((r ->> 'attempt')::uuid);
  END LOOP;
END
$$;

CREATE FUNCTION resolve_one(r jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  a attempts := lock_attempt((r ->> 'attempt')::uuid);
  v_now timestamptz := engine_now();
BEGIN
  IF a.id IS NULL OR a.outcome <> 'UNKNOWN' THEN
    DELETE FROM duties WHERE kind = 'LOOK' AND key = r ->> 'attempt'
       AND a.outcome IS DISTINCT FROM 'CALLING';
    RETURN;
  END IF;
  CASE r ->> 'outcome'
    WHEN 'UNKNOWN' THEN
      UPDATE attempts SET looks = looks + 1, detail = r ->> 'detail' WHERE id = a.id;
      UPDATE duties SET owner = NULL, lease_until = NULL,
             due_at = least((r ->> 'again_at')::timestamptz, a.give_up_at)
       WHERE kind = 'LOOK' AND key = a.id::text;
    WHEN 'ACCEPTED' THEN
      PERFORM accept_attempt(a, r ->> 'ref', r ->> 'thread', v_now);
    WHEN 'NOT_SENT' THEN
      UPDATE attempts SET outcome = 'NOT_SENT', settled_at = v_now,
             detail = r ->> 'detail' WHERE id = a.id;
      DELETE FROM duties WHERE kind = 'LOOK' AND key = a.id::text;
      PERFORM give_back(a.id);
      UPDATE gold_communication_log
         SET status = 'FAILED', status_updated_at = v_now,
             error_message = 'proven not sent', updated_at = clock_timestamp()
       WHERE id = a.id AND created_at = a.called_at;
      PERFORM try_again(a, jsonb_build_object('outcome', 'NOT_SENT'), v_now,
                        undo_sent(a, v_now));
    WHEN 'ABANDONED' THEN
      UPDATE attempts SET outcome = 'ABANDONED', settled_at = v_now,
             detail = r ->> 'detail' WHERE id = a.id;
      DELETE FROM duties WHERE kind = 'LOOK' AND key = a.id::text;
      UPDATE intents SET status = 'DONE', status_reason = 'ABANDONED',
             updated_at = clock_timestamp() WHERE id = a.intent_id;
  END CASE;
  PERFORM count_use(a.id);
  IF r -> 'review' IS NOT NULL AND r -> 'review' <> 'null' THEN
    PERFORM put_review(r -> 'review', 'OPENED', 'engine', '');
  END IF;
END
$$;

-- All that a rebuild of the guard needs.
CREATE FUNCTION slot_units(p_tenant uuid, p_sender uuid, p_day date,
                           p_budgets text[])
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_phone senders;
BEGIN
  PERFORM set_config('app.tenant', p_tenant::text, true);
  SELECT * INTO v_phone FROM senders WHERE id = p_sender;
  RETURN jsonb_build_object('sender', p_sender, 'day', p_day,
    'ids', (SELECT coalesce(jsonb_agg(DISTINCT a.intent_id), '[]') FROM attempts a
             WHERE a.sender_id = p_sender AND a.unit_day = p_day AND a.unit_held),
    'external', coalesce((SELECT external_new FROM wa_quota_usage
      WHERE phone_id = p_sender AND usage_date = p_day), 0),
    'budgets', budgets_held(p_sender, p_budgets),
    'phone', sender_doc(v_phone),
    'epoch', (SELECT epoch FROM engine_clock),
    'expires_in', greatest(0, extract(epoch FROM
      ((p_day + 1)::timestamp AT TIME ZONE v_phone.time_zone) - engine_now())));
END
$$;

-- Opens a review item, or stores it as it shall be; one open item per lead.
CREATE FUNCTION put_review(p_item jsonb, p_action text, p_by text, p_notes text)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_before text;
  v_id uuid := (p_item ->> 'id')::uuid;
BEGIN
  SELECT id, status INTO v_id, v_before FROM human_review_queue
   WHERE lead_journey_id = (p_item ->> 'lead')::uuid AND status <> 'RESOLVED';
  IF v_id IS NOT NULL AND v_id <> (p_item ->> 'id')::uuid THEN
    -- Another item of this person was opened in the meantime: fold this one in.
    UPDATE human_review_queue
       SET trigger_content = trigger_content || E'\n' || (p_item ->> 'trigger'),
           sla_due_at = least(sla_due_at, (p_item ->> 'sla_due_at')::timestamptz),
           priority = CASE WHEN rank_of(p_item ->> 'priority') > rank_of(priority)
                           THEN p_item ->> 'priority' ELSE priority END,
           fingerprint = '', suggested_response = NULL,
           doc = doc || '{"fingerprint": null, "suggested": null}',
           version = version + 1, updated_at = clock_timestamp()
     WHERE id = v_id;
  ELSE
    v_id := (p_item ->> 'id')::uuid;
    INSERT INTO human_review_queue (id, tenant_id, lead_journey_id, communication_id,
      reason, priority, trigger_content, ai_analysis, suggested_response,
      confidence_score, fingerprint, assigned_to, assigned_at, claimed_until, status,
      snoozed_until, resolved_at, resolved_by, resolution_action, resolution_notes,
      response_sent, escalated_to, escalated_at, sla_due_at, sla_breached, doc,
      version)
    VALUES (v_id, current_tenant(), (p_item ->> 'lead')::uuid,
      (p_item ->> 'communication')::uuid, p_item ->> 'reason',
      p_item ->> 'priority', p_item ->> 'trigger', p_item -> 'analysis',
      p_item ->> 'suggested', (p_item ->> 'confidence')::real,
      coalesce(p_item ->> 'fingerprint', ''), (p_item ->> 'assigned_to')::uuid,
      (p_item ->> 'assigned_at')::timestamptz,
      (p_item ->> 'claimed_until')::timestamptz, p_item ->> 'status',
      (p_item ->> 'snoozed_until')::timestamptz,
      (p_item ->> 'resolved_at')::timestamptz, p_item ->> 'resolved_by',
      p_item ->> 'resolution', coalesce(p_item ->> 'notes', ''),
      p_item ->> 'response_sent', (p_item ->> 'escalated_to')::uuid,
      (p_item ->> 'escalated_at')::timestamptz,
      (p_item ->> 'sla_due_at')::timestamptz, (p_item ->> 'sla_breached')::boolean,
      p_item, (p_item ->> 'version')::integer)
    ON CONFLICT (id) DO UPDATE SET reason = excluded.reason,
      priority = excluded.priority, trigger_content = excluded.trigger_content,
      ai_analysis = excluded.ai_analysis, communication_id = excluded.communication_id,
      suggested_response = excluded.suggested_response,
      confidence_score = excluded.confidence_score,
      fingerprint = excluded.fingerprint, assigned_to = excluded.assigned_to,
      assigned_at = excluded.assigned_at, claimed_until = excluded.claimed_until,
      status = excluded.status, snoozed_until = excluded.snoozed_until,
      resolved_at = excluded.resolved_at, resolved_by = excluded.resolved_by,
      resolution_action = excluded.resolution_action,
      resolution_notes = excluded.resolution_notes,
      response_sent = excluded.response_sent, escalated_to = excluded.escalated_to,
      escalated_at = excluded.escalated_at, sla_due_at = excluded.sla_due_at,
      sla_breached = excluded.sla_breached, doc = excluded.doc,
      version = excluded.version, updated_at = clock_timestamp();
  END IF;
  INSERT INTO hitl_audit_log (tenant_id, review_id, action, performed_by,
    performed_at, previous_state, new_state, notes)
  VALUES (current_tenant(), v_id, p_action, p_by, engine_now(), v_before,
          p_item ->> 'status', p_notes);
  UPDATE gold_lead_journey j
     SET requires_human_review = r.status <> 'RESOLVED',
         human_review_reason = r.reason, human_review_priority = r.priority
    FROM human_review_queue r
   WHERE r.id = v_id AND j.id = r.lead_journey_id;
  IF p_item ->> 'status' = 'RESOLVED' THEN
    DELETE FROM duties WHERE kind = 'SLA' AND key = v_id::text;
  ELSE
    PERFORM put_duty('SLA', v_id::text, current_tenant(), r.sla_due_at)
      FROM human_review_queue r WHERE r.id = v_id;
  END IF;
END
$$;

CREATE FUNCTION rank_of(p_priority text) RETURNS integer
LANGUAGE sql IMMUTABLE
AS $$ SELECT array_position(ARRAY['LOW', 'MEDIUM', 'HIGH', 'URGENT'], p_priority) $$;
