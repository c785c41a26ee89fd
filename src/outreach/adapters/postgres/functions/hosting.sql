-- Campaigns that providers run for us, and what they counted.

-- The messages that would be added to a provider's campaign and wait for it.
CREATE FUNCTION hosted_intents(h provider_campaigns) RETURNS SETOF intents
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN QUERY
    SELECT i.* FROM intents i
      JOIN lanes l ON l.id = i.lane_id AND l.account_id = (h).account_id
      JOIN sequence_enrollments e ON e.id = i.enrollment_id
     WHERE i.status = 'WAITING' AND i.channel = 'EMAIL_COLD'
       AND i.step_id = (h).step_id AND i.window_key = (h).window_key
       AND e.campaign_id = (h).campaign_id
     ORDER BY i.id FOR UPDATE OF i;
END
$$;

-- A message waits for its provider's campaign: it is asked for from now on, and all
-- that would be added to the same one wait as long.
CREATE FUNCTION wait_for_host(i intents, p_account uuid, p_until timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_id uuid;
  v_campaign uuid;
BEGIN
  SELECT campaign_id INTO v_campaign FROM sequence_enrollments
   WHERE id = (i).enrollment_id;
  INSERT INTO provider_campaigns (tenant_id, account_id, campaign_id, step_id, window_key)
  VALUES ((i).tenant_id, p_account, v_campaign, (i).step_id, (i).window_key)
  ON CONFLICT DO NOTHING RETURNING id INTO v_id;
  IF FOUND THEN
    PERFORM put_duty('HOSTED', v_id::text, (i).tenant_id, engine_now());
  END IF;
  UPDATE provider_campaigns SET waits_until = p_until
   WHERE account_id = p_account AND campaign_id = v_campaign
     AND step_id = (i).step_id AND window_key = (i).window_key;
  UPDATE intents x SET due_at = p_until, updated_at = clock_timestamp()
    FROM sequence_enrollments e
   WHERE x.lane_id = (i).lane_id AND x.status = 'WAITING'
     AND x.channel = (i).channel AND x.step_id = (i).step_id
     AND x.window_key = (i).window_key AND x.due_at < p_until
     AND e.id = x.enrollment_id AND e.campaign_id = v_campaign;
END
$$;

-- What a claim knows of the provider's campaign of a message.
CREATE FUNCTION hosting_doc(p_account uuid, p_campaign uuid, p_step uuid, p_key text)
RETURNS jsonb
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT jsonb_build_object('ref', h.ref, 'hold', h.hold, 'says', h.says,
                            'until', h.until)
    FROM provider_campaigns h
   WHERE h.account_id = p_account AND h.campaign_id = p_campaign
     AND h.step_id = p_step AND h.window_key = p_key
$$;

CREATE FUNCTION hosted_doc(h provider_campaigns) RETURNS jsonb
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS $$
  SELECT jsonb_build_object('id', (h).id, 'tenant', (h).tenant_id,
    'account', (h).account_id, 'campaign', (h).campaign_id, 'step', (h).step_id,
    'sequence', q.name, 'number', coalesce(s.step_number, 0),
    'zones', to_jsonb(w.zones), 'country', w.country,
    'hosting', jsonb_build_object('ref', (h).ref, 'hold', (h).hold, 'says', (h).says,
                                  'until', (h).until),
    'now', engine_now(), 'resume', (h).resume,
    'shut', EXISTS (SELECT FROM switches x WHERE x.scope = 'CAMPAIGN'
                     AND x.covers = (h).campaign_id::text AND x.lifted_at IS NULL))
    FROM campaigns c
    JOIN outreach_sequences q ON q.id = c.sequence_id
    LEFT JOIN LATERAL (
      SELECT step_number FROM outreach_sequence_steps
       WHERE sequence_id = q.id AND step_id = (h).step_id
       ORDER BY version DESC LIMIT 1) AS s ON true
    LEFT JOIN send_windows w
      ON w.tenant_id = (h).tenant_id AND w.key = (h).window_key
   WHERE c.id = (h).campaign_id
$$;

-- Its provider has answered. What waited for one that takes leads is due at once.
CREATE FUNCTION told_hosted(p_id uuid, p_doc jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_before provider_campaigns;
  v_after provider_campaigns;
  v_lane uuid;
BEGIN
  PERFORM lock_names(ARRAY['switches']);
  SELECT * INTO v_before FROM provider_campaigns WHERE id = p_id FOR UPDATE;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE provider_campaigns
     SET ref = p_doc ->> 'ref', hold = p_doc ->> 'hold', says = p_doc ->> 'says',
         until = (p_doc ->> 'until')::timestamptz, updated_at = clock_timestamp(),
         resume = resume AND NOT (p_doc ->> 'takes')::boolean
   WHERE id = p_id RETURNING * INTO v_after;
  IF v_after.ref <> '' AND (v_before.ref = '' OR (p_doc ->> 'takes')::boolean)
     AND EXISTS (
      SELECT FROM switches WHERE scope = 'CAMPAIGN' AND lifted_at IS NULL
         AND covers = v_after.campaign_id::text) THEN
    -- The breaker opened while it was being made, or started again.
    PERFORM pause_again(v_after.account_id, v_after.id, 'BREAKER_OPEN');
  END IF;
  IF (p_doc ->> 'takes')::boolean AND v_before.hold IS NOT NULL THEN
    FOR v_lane IN
      WITH freed AS (
        UPDATE intents SET due_at = engine_now(), updated_at = clock_timestamp()
         WHERE id IN (SELECT id FROM hosted_intents(v_before))
           AND due_at = v_before.waits_until
        RETURNING lane_id)
      SELECT DISTINCT lane_id FROM freed ORDER BY lane_id
    LOOP
      PERFORM refresh_lane(v_lane);
    END LOOP;
  END IF;
END
$$;

-- A person closed the breaker: what is at its provider is started again.
CREATE FUNCTION reopen_hosted(p_campaign uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_id uuid;
BEGIN
  FOR v_id IN
    UPDATE provider_campaigns SET resume = true, updated_at = clock_timestamp()
     WHERE campaign_id = p_campaign RETURNING id
  LOOP
    PERFORM put_duty('HOSTED', v_id::text, current_tenant(), engine_now());
  END LOOP;
END
$$;

-- What a provider counted since its campaigns began, as of today.
CREATE FUNCTION count_hosted(p_account uuid, p_counts jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_row record;
  v_bounced integer;
BEGIN
  FOR v_row IN
    SELECT h.id, h.campaign_id, c.contacted, c.bounced
      FROM jsonb_to_recordset(p_counts) AS c (ref text, contacted integer,
                                              bounced integer)
      JOIN provider_campaigns h ON h.account_id = p_account AND h.ref = c.ref
     ORDER BY h.id
  LOOP
    SELECT bounced INTO v_bounced FROM provider_counts
     WHERE provider_campaign_id = v_row.id ORDER BY day DESC LIMIT 1;
    INSERT INTO provider_counts AS p (tenant_id, provider_campaign_id, day, contacted,
                                      bounced)
    VALUES (current_tenant(), v_row.id, (engine_now() AT TIME ZONE 'UTC')::date,
            v_row.contacted, v_row.bounced)
    ON CONFLICT (provider_campaign_id, day) DO UPDATE
       SET contacted = excluded.contacted, bounced = excluded.bounced;
    IF v_row.bounced > coalesce(v_bounced, 0) THEN
      PERFORM put_duty('BREAKER', v_row.campaign_id::text, current_tenant(),
                       engine_now());
    END IF;
  END LOOP;
END
$$;

-- A campaign's mail since a day. Where a provider counts for itself, what it contacted
-- stands for what was handed to it, and its bounces for those it told one by one, if
-- they are more.
CREATE FUNCTION mail_counts(p_campaign uuid, p_since date)
RETURNS TABLE (sent integer, bounced integer, complained integer, delivered integer)
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  WITH own AS (
    SELECT account_id, sum(m.sent) AS sent, sum(m.bounced) AS bounced,
           sum(m.complained) AS complained, sum(m.delivered) AS delivered
      FROM campaign_mail m
     WHERE m.campaign_id = p_campaign AND m.day >= p_since GROUP BY account_id
  ), told AS (
    SELECT h.account_id, sum(last.contacted - coalesce(before.contacted, 0)) AS sent,
           sum(last.bounced - coalesce(before.bounced, 0)) AS bounced
      FROM provider_campaigns h
      CROSS JOIN LATERAL (
        SELECT c.contacted, c.bounced FROM provider_counts c
         WHERE c.provider_campaign_id = h.id ORDER BY c.day DESC LIMIT 1) AS last
      LEFT JOIN LATERAL (
        SELECT c.contacted, c.bounced FROM provider_counts c
         WHERE c.provider_campaign_id = h.id AND c.day < p_since
         ORDER BY c.day DESC LIMIT 1) AS before ON true
     WHERE h.campaign_id = p_campaign GROUP BY h.account_id
  )
  SELECT coalesce(sum(coalesce(told.sent, own.sent)), 0)::integer,
         coalesce(sum(greatest(told.bounced, own.bounced)), 0)::integer,
         coalesce(sum(own.complained), 0)::integer,
         coalesce(sum(own.delivered), 0)::integer
    FROM own FULL JOIN told ON told.account_id = own.account_id
$$;
