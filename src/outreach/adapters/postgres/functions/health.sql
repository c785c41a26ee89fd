-- How well provider accounts of warm mail serve: the rules of domain.health, kept in the
-- commits that end calls; and warm mail that goes on to another account. A row of
-- account_health is locked after lanes, or by a claim, which passes over what another
-- has.

-- Until the next message tries an account that is away.
CREATE FUNCTION health_wait(p_tries integer) RETURNS interval
LANGUAGE sql IMMUTABLE
RETURN least(interval '1 hour', interval '5 minutes' * (1 << least(p_tries, 10)));

-- The record after a call, by domain.health.after_call.
CREATE FUNCTION health_after(h account_health, p_heard text, p_now timestamptz,
                             p_asked interval, p_why text, p_probe boolean)
RETURNS account_health
LANGUAGE plpgsql IMMUTABLE SET search_path FROM CURRENT
AS $$
BEGIN
  IF p_heard = 'SERVED' THEN
    IF h.state = 'AWAY' THEN
      h.state := 'AILING';
      h.score := 4;
      h.since := p_now;
      h.until := NULL;
      h.tries := h.tries + 1;
      h.lane_id := NULL;
      h.token := 0;
    ELSE
      h.score := greatest(0, h.score - 1);
      IF h.score = 0 AND h.state = 'AILING' THEN
        h.state := 'HEALTHY';
        h.since := p_now;
        h.tries := 0;
        h.why := '';
        h.refused_at := NULL;
      END IF;
    END IF;
    RETURN h;
  END IF;
  IF p_heard NOT IN ('REFUSED', 'LOST', 'SHUT') THEN
    IF p_probe THEN
      h.lane_id := NULL;
      h.token := 0;
      h.until := p_now;
    END IF;
    RETURN h;
  END IF;
  IF p_heard = 'REFUSED' THEN
    -- Many calls at once that exceed a rate are no illness.
    IF NOT p_probe AND p_now < h.refused_at + interval '5 seconds' THEN
      RETURN h;
    END IF;
    h.refused_at := p_now;
  END IF;
  h.score := least(8, h.score + 2);
  h.why := p_why;
  IF h.state = 'AWAY' THEN
    -- A call that began before it went away is no try, but may ask for more time.
    IF p_probe THEN
      h.tries := h.tries + 1;
      h.lane_id := NULL;
      h.token := 0;
      p_asked := greatest(health_wait(h.tries), p_asked);
    END IF;
    h.until := greatest(h.until, p_now + p_asked);
  ELSIF p_heard = 'SHUT' OR h.score >= 8 THEN
    h.state := 'AWAY';
    h.score := 8;
    h.since := p_now;
    h.until := p_now + greatest(health_wait(h.tries), p_asked);
  ELSIF h.score >= 4 AND h.state = 'HEALTHY' THEN
    h.state := 'AILING';
    h.since := p_now;
  END IF;
  RETURN h;
END
$$;

-- A call has ended. a: as it was before; locked before: its lane.
CREATE FUNCTION note_health(a attempts, r jsonb, p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  h account_health;
  n account_health;
  v_heard text := coalesce(r ->> 'heard', 'NOTHING');
BEGIN
  IF a.outcome <> 'CALLING' OR a.channel <> 'EMAIL_WARM' THEN
    RETURN;
  END IF;
  SELECT * INTO h FROM account_health WHERE account_id = a.account_id FOR UPDATE;
  IF NOT FOUND THEN
    IF v_heard NOT IN ('REFUSED', 'LOST', 'SHUT') THEN
      RETURN;  -- an account that is well has no row
    END IF;
    INSERT INTO account_health (account_id, tenant_id)
    VALUES (a.account_id, a.tenant_id) ON CONFLICT DO NOTHING;
    SELECT * INTO h FROM account_health WHERE account_id = a.account_id FOR UPDATE;
  END IF;
  n := health_after(h, v_heard, p_now, make_interval(
         secs => coalesce((r ->> 'rest')::double precision, 0) * engine_speed()),
       coalesce(r ->> 'detail', ''),
       coalesce((h.lane_id, h.token) = (a.sender_id, a.token), false));
  UPDATE account_health
     SET state = n.state, score = n.score, since = n.since, until = n.until,
         tries = n.tries, why = n.why, refused_at = n.refused_at, lane_id = n.lane_id, token = n.token
   WHERE account_id = a.account_id AND account_health IS DISTINCT FROM n;
  IF (h.state = 'AWAY') <> (n.state = 'AWAY') THEN
    PERFORM put_duty('AWAY', a.account_id::text, a.tenant_id, p_now);
  END IF;
END
$$;

-- Whether a claim may call the account: any, or the one that tries it.
CREATE FUNCTION may_call(p_account uuid, p_lane uuid, p_token bigint) RETURNS boolean
LANGUAGE sql STABLE SET search_path FROM CURRENT
RETURN NOT EXISTS (SELECT FROM account_health
                    WHERE account_id = p_account AND state = 'AWAY'
                      AND (lane_id, token) IS DISTINCT FROM (p_lane, p_token));

-- When the account of a lane is tried again; NULL: it serves, or this lane tries it.
CREATE FUNCTION away_until(l lanes) RETURNS timestamptz
LANGUAGE sql STABLE SET search_path FROM CURRENT
RETURN (SELECT until FROM account_health
         WHERE account_id = (l).account_id AND state = 'AWAY'
           AND (lane_id, token) IS DISTINCT FROM ((l).id, (l).token));

-- A lane was claimed while its account is away. Locked before: its health.
CREATE FUNCTION to_try(p_account uuid, p_lane uuid, p_token bigint,
                       p_now timestamptz)
RETURNS void
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS $$
  UPDATE account_health
     SET lane_id = p_lane, token = p_token, until = p_now + health_wait(tries)
   WHERE account_id = p_account AND state = 'AWAY'
$$;

-- The claim ends without a call. Locked before: the lane.
CREATE FUNCTION unused_try(l lanes) RETURNS void
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS $$
  UPDATE account_health SET lane_id = NULL, token = 0, until = engine_now()
   WHERE account_id = (l).account_id AND (lane_id, token) = ((l).id, (l).token)
     AND state = 'AWAY'
$$;

CREATE FUNCTION lock_health(p_attempts uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM FROM account_health WHERE account_id IN (
    SELECT account_id FROM attempts
     WHERE id = ANY (p_attempts) AND channel = 'EMAIL_WARM')
    ORDER BY account_id FOR UPDATE;
END
$$;

-- Whether another sender takes warm mail now. p_own: one of the same account will do.
CREATE FUNCTION takes_elsewhere(p_sender uuid, p_own boolean) RETURNS boolean
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS $$
  SELECT EXISTS (
    SELECT FROM senders o JOIN senders s ON s.tenant_id = o.tenant_id
     WHERE o.id = p_sender AND s.id <> o.id AND s.channel = 'EMAIL_WARM'
       AND s.is_enabled AND s.status IN ('WARMING', 'ACTIVE')
       AND (p_own OR s.account_id <> o.account_id)
       AND NOT EXISTS (SELECT FROM account_health h
                        WHERE h.account_id = s.account_id AND h.state = 'AWAY'
                          AND h.until > engine_now()))
$$;

-- What was provably not accepted, and waits again, goes on if it should: the rule of
-- domain.health.goes_on. Locked before: all of lock_attempt; its lane is to be refreshed.
CREATE FUNCTION go_on(a attempts, r jsonb, p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_heard text := coalesce(r ->> 'heard', 'NOTHING');
  v_state text;
BEGIN
  IF v_heard NOT IN ('REFUSED', 'SHUT', 'OF_SENDER') THEN
    RETURN;
  END IF;
  SELECT state INTO v_state FROM account_health WHERE account_id = a.account_id;
  IF v_state IS DISTINCT FROM 'AWAY' THEN
    IF EXISTS (SELECT FROM conversations
                WHERE sender_id = a.sender_id AND lead_id = a.lead_id) THEN
      RETURN;
    END IF;
    IF v_state IS DISTINCT FROM 'AILING' AND v_heard <> 'OF_SENDER'
       AND greatest(coalesce((r ->> 'gap')::double precision, 0),
                    coalesce((r ->> 'rest')::double precision, 0) * engine_speed())
           <= 60 THEN
      RETURN;
    END IF;
  END IF;
  IF takes_elsewhere(a.sender_id, v_heard = 'OF_SENDER') THEN
    PERFORM leave_sender(a.lead_id, a.sender_id, coalesce(r ->> 'detail', ''), p_now);
  END IF;
END
$$;

-- All that waits for a lead at a sender of warm mail waits for another one. Locked
-- before: the lead and the lane, which is to be refreshed.
CREATE FUNCTION leave_sender(p_lead uuid, p_sender uuid, p_why text,
                             p_now timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_due timestamptz;
  v_many integer;
BEGIN
  WITH gone AS (
    UPDATE intents SET lane_id = NULL, updated_at = clock_timestamp()
     WHERE lead_id = p_lead AND lane_id = p_sender AND status = 'WAITING'
       AND channel = 'EMAIL_WARM'
    RETURNING id, due_at
  ), noted AS (
    INSERT INTO mail_moves (tenant_id, lead_id, intent_id, sender_id, account_id, at,
                            why)
    SELECT s.tenant_id, p_lead, gone.id, s.id, s.account_id, p_now, p_why
      FROM gone JOIN senders s ON s.id = p_sender ORDER BY gone.due_at, gone.id
  )
  SELECT min(due_at), count(*) INTO v_due, v_many FROM gone;
  PERFORM tally('passed', provider, v_many) FROM senders
    WHERE id = p_sender AND v_many > 0;
  UPDATE gold_lead_journey
     SET assigned_warm_mailbox_id = NULL,
         -- Whoever loaded the lead before would undo this: it must look again.
         version = version + 1
   WHERE id = p_lead AND assigned_warm_mailbox_id = p_sender;
  PERFORM want_dispatch(v_due);
END
$$;

-- From when on a lane could call; NULL: it is shut.
CREATE FUNCTION lane_opens(l lanes) RETURNS timestamptz
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN NOT (l).shut
            THEN greatest((l).gate_at, (l).backoff_until, (l).budget_gate_at) END;

-- What waits for an account that is away goes on; what somebody has just now, the next
-- time. Answers how many leads'.
CREATE FUNCTION move_on(p_account uuid, p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  h account_health;
  v_now timestamptz := engine_now();
  v_lanes uuid[];
  v_leads uuid[];
  v_of record;
  v_moved integer := 0;
BEGIN
  SELECT * INTO h FROM account_health
   WHERE account_id = p_account AND tenant_id = current_tenant() AND state = 'AWAY';
  IF NOT FOUND THEN
    RETURN 0;
  END IF;
  IF NOT takes_elsewhere((SELECT id FROM lanes WHERE account_id = p_account LIMIT 1),
                         false) THEN
    RETURN 0;
  END IF;
  -- A lane that could try it within a minute keeps what it has.
  SELECT array_agg(l.id) INTO v_lanes FROM lanes l
   WHERE l.account_id = p_account AND l.tenant_id = h.tenant_id
     AND NOT (h.until <= v_now
              AND coalesce(lane_opens(l) <= v_now + interval '1 minute', false));
  SELECT array_agg(id) INTO v_leads FROM (
    SELECT j.id FROM gold_lead_journey j WHERE j.id IN (
      SELECT lead_id FROM (
        SELECT i.lead_id FROM intents i
         WHERE i.lane_id = ANY (v_lanes) AND i.status = 'WAITING'
           AND i.channel = 'EMAIL_WARM'
         GROUP BY i.lead_id ORDER BY min(i.due_at), i.lead_id LIMIT p_limit) AS first)
     ORDER BY j.id FOR UPDATE SKIP LOCKED) AS ours;
  PERFORM FROM intents WHERE lead_id = ANY (v_leads) AND lane_id = ANY (v_lanes)
     AND status = 'WAITING' ORDER BY id FOR UPDATE;
  PERFORM lock_lanes(v_lanes);
  FOR v_of IN
    SELECT DISTINCT lead_id, lane_id FROM intents
     WHERE lead_id = ANY (v_leads) AND lane_id = ANY (v_lanes) AND status = 'WAITING'
       AND channel = 'EMAIL_WARM' ORDER BY lead_id, lane_id
  LOOP
    PERFORM leave_sender(v_of.lead_id, v_of.lane_id,
                         'the account is away: ' || h.why, v_now);
    v_moved := v_moved + 1;
  END LOOP;
  PERFORM refresh_lane(lane) FROM unnest(v_lanes) AS lane WHERE v_moved > 0;
  RETURN v_moved;
END
$$;

-- Accounts with an enabled sender of warm mail.
CREATE FUNCTION health_docs() RETURNS SETOF jsonb
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS $$
  SELECT jsonb_build_object('account', s.account_id, 'provider', s.provider,
      'state', coalesce(h.state, 'HEALTHY'), 'score', coalesce(h.score, 0),
      'since', h.since, 'until', h.until, 'tries', coalesce(h.tries, 0),
      'why', coalesce(h.why, ''), 'refused_at', h.refused_at, 'lane', h.lane_id, 'token', coalesce(h.token, 0),
      'now', engine_now(),
      'moved', (SELECT count(*) FROM mail_moves m WHERE m.account_id = s.account_id))
    FROM (SELECT DISTINCT account_id, provider FROM senders
           WHERE tenant_id = current_tenant() AND channel = 'EMAIL_WARM'
             AND is_enabled) AS s
    LEFT JOIN account_health h ON h.account_id = s.account_id
   ORDER BY s.provider COLLATE "C", s.account_id
$$;

-- Of warm mail that waits for a sender: who did not accept it, and whom its lead knows.
CREATE FUNCTION relay_doc(i intents) RETURNS jsonb
LANGUAGE sql STABLE SET search_path FROM CURRENT
RETURN jsonb_build_object(
  'refused', (SELECT coalesce(jsonb_object_agg(n.account_id, n.times), '{}') FROM (
    SELECT account_id, count(*) AS times FROM attempts
     WHERE intent_id = (i).id AND outcome = 'RELEASED' GROUP BY account_id) AS n),
  'known', (SELECT coalesce(jsonb_agg(n.sender_id ORDER BY n.last DESC, n.of DESC), '[]')
    FROM (
      SELECT a.sender_id, max(a.called_at) AS last, max(a.id::text) AS of
        FROM attempts a
       WHERE a.lead_id = (i).lead_id AND a.channel = 'EMAIL_WARM'
         AND a.outcome = 'ACCEPTED' GROUP BY a.sender_id) AS n));
