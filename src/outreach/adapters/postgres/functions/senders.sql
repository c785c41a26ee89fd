-- Senders, kill switches, and addresses that get nothing.

-- Makes or updates senders with their accounts and lanes, in order.
CREATE FUNCTION import_senders(p_batch jsonb) RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  x jsonb;
  v_account uuid;
  v_phone senders;
  v_today date;
  v_days integer;
BEGIN
  PERFORM lock_names(ARRAY['senders']);
  -- Lanes before phones, as T2 has it.
  PERFORM lock_lanes(ARRAY(
    SELECT p.id FROM jsonb_array_elements(p_batch) AS b
      JOIN senders p ON p.number = b ->> 'number'));
  FOR x IN SELECT * FROM jsonb_array_elements(p_batch) LOOP
    v_days := (x ->> 'warm_up_days')::integer;
    v_today := (engine_now() AT TIME ZONE (x ->> 'time_zone'))::date;
    INSERT INTO provider_accounts (id, tenant_id, provider, name)
    VALUES ((x ->> 'new_account')::uuid, current_tenant(), x ->> 'provider',
            x ->> 'account')
    ON CONFLICT (tenant_id, provider, name) DO NOTHING;
    SELECT id INTO v_account FROM provider_accounts
     WHERE tenant_id = current_tenant() AND provider = x ->> 'provider'
       AND name = x ->> 'account';
    UPDATE senders p
       SET account_id = v_account, provider = x ->> 'provider',
           time_zone = x ->> 'time_zone', label = x ->> 'label',
           channel = x ->> 'channel', answers = (x ->> 'answers')::boolean,
           provider_account_ref = coalesce(nullif(x ->> 'ref', ''),
                                           provider_account_ref),
           daily_quota_limit = (x ->> 'limit')::integer,
           priority = (x ->> 'priority')::integer, warm_up_days = v_days,
           warm_up_began = CASE WHEN v_days > 0
                                THEN coalesce(warm_up_began, v_today) END,
           warm_up_start = (x ->> 'warm_up_start')::integer,
           updated_at = clock_timestamp()
     WHERE p.number = x ->> 'number' RETURNING * INTO v_phone;
    IF NOT FOUND THEN
      INSERT INTO senders (id, tenant_id, account_id, channel, answers, number, label,
        provider, provider_account_ref, status, status_before, status_changed_at,
        daily_quota_limit, warm_up_began, warm_up_days, warm_up_start, time_zone,
        priority, gap, jitter)
      VALUES ((x ->> 'new_id')::uuid, current_tenant(), v_account, x ->> 'channel',
        (x ->> 'answers')::boolean, x ->> 'number', x ->> 'label', x ->> 'provider',
        x ->> 'ref', CASE WHEN v_days > 0 THEN 'WARMING' ELSE 'ACTIVE' END,
        CASE WHEN v_days > 0 THEN 'WARMING' ELSE 'ACTIVE' END, engine_now(),
        (x ->> 'limit')::integer, CASE WHEN v_days > 0 THEN v_today END, v_days,
        (x ->> 'warm_up_start')::integer,
        x ->> 'time_zone', (x ->> 'priority')::integer,
        make_interval(secs => (x ->> 'gap')::double precision),
        make_interval(secs => (x ->> 'jitter')::double precision))
      RETURNING * INTO v_phone;
    END IF;
    PERFORM set_limits(v_phone.id, x -> 'limits');
    SELECT * INTO v_phone FROM senders WHERE id = v_phone.id;
    INSERT INTO lanes (id, tenant_id, account_id)
    VALUES (v_phone.id, current_tenant(), v_account)
    ON CONFLICT (id) DO UPDATE SET account_id = excluded.account_id;
    PERFORM reopen_full(v_phone.id);
    PERFORM gate_lane(v_phone.id);
    RETURN NEXT sender_doc(v_phone);
  END LOOP;
EXCEPTION WHEN unique_violation THEN
  RAISE EXCEPTION '% (account_ref %) is another tenant''s, or another sender''s',
    x ->> 'number', x ->> 'ref' USING ERRCODE = 'unique_violation';
END
$$;

-- Stores a sender as it shall be. Locked and compared before: the phone.
CREATE FUNCTION change_sender(p_after jsonb, p_by text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_phone senders;
BEGIN
  SELECT * INTO v_phone FROM senders WHERE id = (p_after ->> 'id')::uuid;
  UPDATE senders
     SET status = p_after ->> 'state', status_before = p_after ->> 'before',
         status_reason = p_after ->> 'reason',
         status_until = (p_after ->> 'until')::timestamptz,
         status_changed_at = CASE WHEN status <> p_after ->> 'state'
                                  THEN engine_now() ELSE status_changed_at END,
         is_online = p_after ->> 'state' NOT IN ('OFFLINE', 'RECONNECTING', 'BANNED'),
         is_enabled = (p_after ->> 'enabled')::boolean,
         label = p_after ->> 'label', time_zone = p_after ->> 'zone',
         provider_account_ref = p_after ->> 'ref',
         daily_quota_limit = (p_after ->> 'limit')::integer,
         priority = (p_after ->> 'priority')::integer,
         warm_up_began = (p_after ->> 'warm_began')::date,
         warm_up_days = (p_after ->> 'warm_days')::integer,
         warm_up_start = (p_after ->> 'warm_start')::integer,
         gap = make_interval(secs => (p_after ->> 'gap')::double precision),
         jitter = make_interval(secs => (p_after ->> 'jitter')::double precision),
         updated_at = clock_timestamp()
   WHERE id = v_phone.id;
  PERFORM set_limits(v_phone.id, p_after -> 'limits');
  PERFORM reopen_full(v_phone.id)
   WHERE sender_doc(v_phone) -> 'limits' <> p_after -> 'limits'
      OR v_phone.daily_quota_limit <> (p_after ->> 'limit')::integer;
  INSERT INTO sender_log (tenant_id, sender_id, state_before, state_after, at,
                          caused_by, why)
  VALUES (current_tenant(), v_phone.id, v_phone.status, p_after ->> 'state',
          engine_now(), p_by, coalesce(p_after ->> 'reason', ''));
  IF p_after ->> 'until' IS NOT NULL THEN
    PERFORM put_duty('SENDER_TIMEOUT', v_phone.id::text, current_tenant(),
                     (p_after ->> 'until')::timestamptz);
  END IF;
  PERFORM gate_lane(v_phone.id);
  PERFORM sender_moved(v_phone.id, v_phone.status, p_after ->> 'state');
END
$$;

-- Whose an account is, and from now on the tenant of this transaction.
CREATE FUNCTION enter_account(p_account uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM set_config('app.tenant', tenant_id::text, true) FROM lanes
   WHERE account_id = p_account LIMIT 1;
END
$$;

-- Messages whose status is worth asking for, the longest unasked first. What is too
-- old or has come far enough leaves the index for good.
CREATE FUNCTION unfinished(p_account uuid, p_limit integer, p_lately interval)
RETURNS SETOF jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_now timestamptz := engine_now();
  v_row record;
  v_left integer := p_limit;
BEGIN
  PERFORM enter_account(p_account);
  FOR v_row IN
    SELECT a.id, a.called_at, a.external_ref, a.sender_id, g.status, p.number,
           a.external_ref IS NOT NULL AND a.called_at >= v_now - p_lately
             AND g.status IN ('ACCEPTED', 'SENT', 'DELIVERED') AS worth
      FROM attempts a
      JOIN gold_communication_log g ON g.id = a.id AND g.created_at = a.called_at
      JOIN senders p ON p.id = a.sender_id
     WHERE a.account_id = p_account AND a.outcome = 'ACCEPTED'
       AND a.ask_at IS DISTINCT FROM 'infinity'
       AND (a.ask_at IS NULL OR a.ask_at <= v_now)
     ORDER BY a.ask_at NULLS FIRST, a.called_at
  LOOP
    EXIT WHEN v_left = 0;
    UPDATE attempts
       SET ask_at = CASE WHEN v_row.worth THEN v_now + (v_now - v_row.called_at) / 2
                         ELSE 'infinity' END
     WHERE id = v_row.id;
    CONTINUE WHEN NOT v_row.worth;
    v_left := v_left - 1;
    RETURN NEXT jsonb_build_object('ref', v_row.external_ref, 'status', v_row.status,
      'sender', v_row.sender_id, 'number', v_row.number);
  END LOOP;
END
$$;

-- A provider says how far a message came.
CREATE FUNCTION status_told(p_account uuid, p_ref text, p_status text,
                            p_at timestamptz, p_thread text)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM enter_account(p_account);
  PERFORM raise_status(a.id, p_status, p_at) FROM attempts a
    WHERE a.account_id = p_account AND a.external_ref = p_ref;
  IF p_thread <> '' THEN
    UPDATE attempts SET thread = p_thread
     WHERE account_id = p_account AND external_ref = p_ref
       AND thread IS DISTINCT FROM p_thread;
    -- A conversation that has a name keeps it: this may be news of an old message.
    UPDATE conversations v SET thread = p_thread FROM attempts a
     WHERE a.account_id = p_account AND a.external_ref = p_ref
       AND v.sender_id = a.sender_id AND v.lead_id = a.lead_id AND v.thread = '';
  END IF;
END
$$;

-- Kill switches ---------------------------------------------------------------

-- Shuts or opens the lanes that a switch covers, of every tenant it concerns.
CREATE FUNCTION gate_covered(p_tenant uuid, p_scope text, p_of text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_lane record;
BEGIN
  IF p_scope = 'CAMPAIGN' THEN
    RETURN;  -- it shuts no lane: others' messages wait there too
  END IF;
  FOR v_lane IN
    SELECT id, tenant_id FROM lanes
     WHERE (p_scope = 'ALL' OR tenant_id = p_tenant)
       AND (p_scope <> 'SENDER' OR id::text = p_of)
     ORDER BY id FOR UPDATE
  LOOP
    PERFORM set_config('app.tenant', v_lane.tenant_id::text, true);
    PERFORM gate_lane(v_lane.id);
  END LOOP;
  PERFORM set_config('app.tenant', p_tenant::text, true);
END
$$;

CREATE FUNCTION switch_doc(s switches) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_build_object('scope', s.scope, 'of', s.covers, 'reason', s.reason,
    'by', s.thrown_by, 'at', s.thrown_at);

-- Whether it is a breaker that stops messages of this channel: one that opened by what
-- became of a campaign's mail stops mail; a person's stops all of the campaign.
CREATE FUNCTION breaks(s switches, p_channel text) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN s.scope = 'CAMPAIGN' AND (s.thrown_by NOT IN ('engine', 'provider')
                                 OR p_channel IN ('EMAIL_COLD', 'EMAIL_WARM'));

CREATE FUNCTION throw_switch(p_scope text, p_of text, p_reason text, p_by text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_of uuid := CASE WHEN p_scope <> 'ALL' THEN current_tenant() END;
  v_switch switches;
BEGIN
  PERFORM lock_names(ARRAY['switches']);
  INSERT INTO switches (tenant_id, scope, covers, reason, thrown_by, thrown_at)
  VALUES (v_of, p_scope, p_of, p_reason, p_by, engine_now())
  ON CONFLICT DO NOTHING;
  IF FOUND AND p_scope = 'CAMPAIGN' THEN
    PERFORM pause_campaign(p_of::uuid, 'BREAKER_OPEN');
  END IF;
  PERFORM gate_covered(current_tenant(), p_scope, p_of);
  SELECT * INTO v_switch FROM switches s
   WHERE s.scope = p_scope AND s.covers = p_of AND s.lifted_at IS NULL
     AND s.tenant_id IS NOT DISTINCT FROM v_of;
  RETURN switch_doc(v_switch);
END
$$;

CREATE FUNCTION lift_switch(p_scope text, p_of text, p_reason text, p_by text)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_of uuid := CASE WHEN p_scope <> 'ALL' THEN current_tenant() END;
BEGIN
  PERFORM lock_names(ARRAY['switches']);
  UPDATE switches SET lifted_by = p_by, lifted_at = engine_now(), lifted_why = p_reason
   WHERE scope = p_scope AND covers = p_of AND lifted_at IS NULL
     AND tenant_id IS NOT DISTINCT FROM v_of;
  IF NOT FOUND THEN
    RETURN false;
  END IF;
  IF p_scope = 'CAMPAIGN' THEN
    -- A person closed the breaker: nobody is told to pause it any more.
    DELETE FROM stops WHERE kind = 'PAUSE' AND (about = p_of::uuid OR about IN (
      SELECT id FROM provider_campaigns WHERE campaign_id = p_of::uuid));
    PERFORM reopen_hosted(p_of::uuid);
  END IF;
  PERFORM gate_covered(current_tenant(), p_scope, p_of);
  RETURN true;
END
$$;

-- Addresses that get nothing -----------------------------------------------------

-- Adds to the lists; nothing waits any more for who has such an address. T1 of these
-- addresses waits for the commit. Answers how many were new.
CREATE FUNCTION suppress(p_items jsonb) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_home uuid := current_tenant();
  v_tenant uuid;
  v_new integer;
  v_leads uuid[];
  v_lanes uuid[] := '{}';
  x record;
BEGIN
  PERFORM lock_names(ARRAY(SELECT DISTINCT i ->> 'key'
                             FROM jsonb_array_elements(p_items) AS i));
  WITH added AS (
    INSERT INTO suppressions (tenant_id, kind, value, reason, caused_by, at)
    SELECT CASE WHEN NOT (i ->> 'everywhere')::boolean THEN v_home END,
           split_part(i ->> 'key', ':', 1),
           substr(i ->> 'key', strpos(i ->> 'key', ':') + 1),
           i ->> 'reason', i ->> 'by', (i ->> 'at')::timestamptz
      FROM jsonb_array_elements(p_items) AS i
    ON CONFLICT (tenant_id, kind, value) DO NOTHING RETURNING id
  )
  SELECT count(*) INTO v_new FROM added;
  -- All leads, then their messages and lanes, in the order of send.sql.
  FOR v_tenant IN
    SELECT t.id FROM tenants t
     WHERE t.id = v_home OR EXISTS (SELECT FROM jsonb_array_elements(p_items) AS i
                                     WHERE (i ->> 'everywhere')::boolean)
     ORDER BY t.id
  LOOP
    PERFORM set_config('app.tenant', v_tenant::text, true);
    v_leads := ARRAY(
      SELECT DISTINCT c.lead_id FROM jsonb_array_elements(p_items) AS i
       CROSS JOIN LATERAL suppressed_leads(i ->> 'key') AS c (lead_id)
       WHERE v_tenant = v_home OR (i ->> 'everywhere')::boolean);
    PERFORM FROM gold_lead_journey WHERE id = ANY (v_leads) ORDER BY id FOR UPDATE;
    PERFORM FROM intents
      WHERE lead_id = ANY (v_leads) AND status IN ('WAITING', 'HELD', 'OPEN')
      ORDER BY id FOR UPDATE;
    v_lanes := v_lanes || ARRAY(
      SELECT lane_id FROM intents
       WHERE lead_id = ANY (v_leads) AND status IN ('WAITING', 'HELD', 'OPEN'));
  END LOOP;
  PERFORM lock_lanes(v_lanes);
  FOR v_tenant IN
    SELECT t.id FROM tenants t
     WHERE t.id = v_home OR EXISTS (SELECT FROM jsonb_array_elements(p_items) AS i
                                     WHERE (i ->> 'everywhere')::boolean)
     ORDER BY t.id
  LOOP
    PERFORM set_config('app.tenant', v_tenant::text, true);
    FOR x IN
      SELECT c.lead_id, bool_or(i ->> 'reason' IN ('OPT_OUT', 'COMPLAINT')) AS out,
             min(i ->> 'by') AS said_by, min((i ->> 'at')::timestamptz) AS at
        FROM jsonb_array_elements(p_items) AS i
       CROSS JOIN LATERAL suppressed_leads(i ->> 'key') AS c (lead_id)
       WHERE v_tenant = v_home OR (i ->> 'everywhere')::boolean
       GROUP BY c.lead_id ORDER BY c.lead_id
    LOOP
      IF x.out THEN
        PERFORM opt_out(x.lead_id, x.at, x.said_by);
      END IF;
      PERFORM stop_lead(x.lead_id, CASE WHEN x.out THEN 'OPTED_OUT'
                                        ELSE 'SUPPRESSED' END);
    END LOOP;
  END LOOP;
  PERFORM set_config('app.tenant', v_home::text, true);
  RETURN v_new;
END
$$;

-- Leads of the present tenant that have such an address.
CREATE FUNCTION suppressed_leads(p_key text) RETURNS SETOF uuid
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
  v_kind text := split_part(p_key, ':', 1);
  v_value text := substr(p_key, strpos(p_key, ':') + 1);
BEGIN
  IF v_kind = 'domain' THEN
    RETURN QUERY SELECT c.lead_id FROM contact_points c
      WHERE c.tenant_id = current_tenant() AND c.kind = 'email'
        AND split_part(c.value, '@', 2) = v_value;
  ELSIF v_kind = 'email' THEN
    RETURN QUERY SELECT c.lead_id FROM contact_points c
      WHERE c.tenant_id = current_tenant() AND c.kind = 'email' AND c.value = v_value
      UNION SELECT c.lead_id FROM contact_points c
      WHERE c.tenant_id = current_tenant() AND c.kind = 'email'
        AND regexp_replace(c.value, '^([^+@]+)[+][^@]*@', '\1@') = v_value;
  ELSE
    RETURN QUERY SELECT c.lead_id FROM contact_points c
      WHERE c.tenant_id = current_tenant() AND c.kind = v_kind AND c.value = v_value;
  END IF;
END
$$;

-- The rule of domain.journey for OPTED_OUT. Locked before: the lead.
CREATE FUNCTION opt_out(p_lead uuid, p_at timestamptz, p_by text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  j gold_lead_journey;
  v_moves boolean;
BEGIN
  SELECT * INTO j FROM gold_lead_journey WHERE id = p_lead;
  v_moves := j.current_state <> 'CONVERTED' AND NOT (j.current_state = 'DEAD'
    AND coalesce(j.dead_cause, '') IN ('OPTED_OUT', 'ERASED'));
  IF j.opted_out AND NOT v_moves AND j.opted_out_at <= p_at THEN
    RETURN;
  END IF;
  UPDATE gold_lead_journey
     SET opted_out = true, whatsapp_opted_out = true, email_opted_out = true,
         opted_out_at = least(opted_out_at, p_at),
         previous_state = CASE WHEN v_moves THEN current_state ELSE previous_state END,
         current_state = CASE WHEN v_moves THEN 'DEAD' ELSE current_state END,
         dead_cause = CASE WHEN v_moves THEN 'OPTED_OUT' ELSE dead_cause END,
         state_changed_at = CASE WHEN v_moves THEN p_at ELSE state_changed_at END,
         state_change_reason = CASE WHEN v_moves THEN 'OPTED_OUT'
                                    ELSE state_change_reason END,
         version = version + 1, updated_at = clock_timestamp()
   WHERE id = p_lead;
  IF v_moves THEN
    INSERT INTO transition_log (tenant_id, lead_id, state_before, state_after, at,
                                caused_by, why)
    VALUES (j.tenant_id, p_lead, j.current_state, 'DEAD', p_at, p_by, 'OPTED_OUT');
  END IF;
END
$$;

-- Accounts of one name at a provider, of every tenant: a webhook names no tenant.
CREATE FUNCTION accounts_named(p_provider text, p_name text)
RETURNS TABLE (id uuid, tenant_id uuid, provider text, name text)
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_tenant uuid;
BEGIN
  FOR v_tenant IN SELECT t.id FROM tenants t ORDER BY t.created_at, t.id LOOP
    PERFORM set_config('app.tenant', v_tenant::text, true);
    RETURN QUERY SELECT a.id, a.tenant_id, a.provider, a.name FROM provider_accounts a
                  WHERE a.provider = p_provider AND a.name = p_name;
  END LOOP;
END
$$;
