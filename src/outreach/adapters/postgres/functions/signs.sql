-- What the calls of each sender say of it: the rules of domain.signs, kept in the
-- commits that they are about. Lock order: after the lane, before duties.

-- A call of the sender has ended. a: as it was before; locked before: its lane.
CREATE FUNCTION note_call(a attempts, r jsonb, p_outcome text, p_now timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  s sender_signs;
  v_state text;
  v_day date;
BEGIN
  IF a.outcome <> 'CALLING' THEN
    RETURN;  -- it counted when it ended, and an outcome learnt later changes nothing
  END IF;
  SELECT * INTO s FROM sender_signs WHERE sender_id = a.sender_id FOR UPDATE;
  IF NOT FOUND THEN
    INSERT INTO sender_signs (sender_id, tenant_id) VALUES (a.sender_id, a.tenant_id)
    ON CONFLICT (sender_id) DO UPDATE SET calls = sender_signs.calls RETURNING * INTO s;
  END IF;
  IF s.token <> a.token THEN
    s.calls := right(s.calls || CASE p_outcome WHEN 'UNKNOWN' THEN 'U' ELSE '.' END, 50);
  ELSIF p_outcome = 'UNKNOWN' AND s.calls <> '' THEN
    -- Many messages in one call are one call, and lost if any of them is.
    s.calls := left(s.calls, -1) || 'U';
  END IF;
  s.token := a.token;
  IF p_outcome = 'UNKNOWN' THEN
    IF too_doubtful(s.calls) THEN
      SELECT status, (p_now AT TIME ZONE time_zone)::date INTO v_state, v_day
        FROM senders WHERE id = a.sender_id;
      IF v_state IN ('WARMING', 'ACTIVE', 'REACHOUT_LOCKED', 'QUARANTINE') THEN
        s.pauses := CASE WHEN s.pause_day = v_day THEN s.pauses ELSE 0 END + 1;
        s.pause_day := v_day;
        s.doubtful_at := p_now;
        -- The same calls must not lead to a second pause.
        s.calls := '';
        PERFORM put_duty('DOUBT', a.sender_id::text, a.tenant_id, p_now);
      END IF;
    END IF;
  ELSIF coalesce((r ->> 'lane_refused')::boolean, false) THEN
    s.refused_since := coalesce(s.refused_since, p_now);
    -- A refusal before the night is none of an hour: the wait must reach that far.
    -- What the provider asked for is machine time, and no longer for a run's speed.
    IF p_now + make_interval(secs => greatest(
         coalesce((r ->> 'rest')::double precision, 0),
         coalesce((r ->> 'gap')::double precision, 0)))
       >= s.refused_since + interval '1 hour' THEN
      PERFORM put_duty('REFUSAL', a.sender_id::text, a.tenant_id,
                       greatest(p_now, s.refused_since + interval '1 hour'));
    END IF;
  ELSE
    IF s.refused_since <= p_now - interval '1 hour' THEN
      PERFORM put_duty('REFUSAL', a.sender_id::text, a.tenant_id, p_now);
    END IF;
    s.refused_since := NULL;
  END IF;
  IF p_outcome = 'ACCEPTED' THEN
    s.unanswered := s.unanswered + 1;
    s.unanswered_since := coalesce(s.unanswered_since, p_now);
    -- Of a phone that answers between its sends nobody ever has to look.
    IF s.unanswered >= 3 THEN
      PERFORM put_duty('SILENCE', a.sender_id::text, a.tenant_id,
                       greatest(p_now, s.unanswered_since + interval '30 minutes'));
    END IF;
  END IF;
  UPDATE sender_signs
     SET calls = s.calls, token = s.token, pause_day = s.pause_day, pauses = s.pauses,
         doubtful_at = s.doubtful_at, unanswered = s.unanswered,
         unanswered_since = s.unanswered_since, refused_since = s.refused_since
   WHERE sender_id = a.sender_id;
END
$$;

-- What the end of a call says of its sender: whoever dies now, its duty carries it out.
CREATE FUNCTION note_signal(a attempts, r jsonb, p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  IF r ->> 'signal' IS NOT NULL THEN
    UPDATE attempts SET signal = r ->> 'signal',
           signal_until = (r ->> 'signal_until')::timestamptz WHERE id = a.id;
    PERFORM put_duty('SIGNAL', a.id::text, a.tenant_id, p_now);
  END IF;
END
$$;

-- At least 5 UNKNOWN, and more than 10 % of the calls there were.
CREATE FUNCTION too_doubtful(p_calls text) RETURNS boolean
LANGUAGE sql IMMUTABLE
RETURN length(replace(p_calls, '.', '')) >= 5
   AND 10 * length(replace(p_calls, '.', '')) > length(p_calls);

-- Something came back from the sender; one that was silent is looked at at once.
CREATE FUNCTION came_back(p_sender uuid, p_now timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE sender_signs SET unanswered = 0, unanswered_since = NULL
   WHERE sender_id = p_sender AND unanswered > 0;
  PERFORM put_duty('SILENCE', p.id::text, p.tenant_id, p_now) FROM senders p
    WHERE p.id = p_sender AND 'QUARANTINE' IN (p.status, p.status_before);
END
$$;

-- How far a message came is news, and only a phone that is there can bring it about.
CREATE FUNCTION came_further(p_attempt uuid, p_status text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM came_back(a.sender_id, engine_now())
     FROM attempts a JOIN gold_communication_log g
       ON g.id = a.id AND g.created_at = a.called_at
    WHERE a.id = p_attempt
      AND p_status IN ('SENT', 'DELIVERED', 'READ', 'OPENED', 'CLICKED', 'REPLIED')
      AND status_rank(p_status) > status_rank(g.status);
END
$$;

-- The sender has another state: one that is at work again starts anew.
CREATE FUNCTION sender_moved(p_sender uuid, p_before text, p_after text)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_anew boolean := p_after IN ('WARMING', 'ACTIVE')
    AND p_before NOT IN ('WARMING', 'ACTIVE');
  v_resumed boolean := p_before = 'PAUSED' AND p_after <> 'PAUSED';
BEGIN
  UPDATE sender_signs
     SET doubtful_at = CASE WHEN v_resumed THEN NULL ELSE doubtful_at END,
         unanswered = CASE WHEN v_anew THEN 0 ELSE unanswered END,
         unanswered_since = CASE WHEN v_anew THEN NULL ELSE unanswered_since END
   WHERE sender_id = p_sender AND (v_anew OR v_resumed);
  IF p_after IN ('BANNED', 'RETIRED') AND p_before NOT IN ('BANNED', 'RETIRED') THEN
    PERFORM put_duty('GONE', p_sender::text, current_tenant(), engine_now());
  END IF;
END
$$;

-- New contacts of a phone that is gone wait for another one. Intents before lanes.
CREATE FUNCTION take_back(p_sender uuid, p_limit integer) RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_taken integer;
BEGIN
  IF NOT EXISTS (SELECT FROM senders
                  WHERE id = p_sender AND status IN ('BANNED', 'RETIRED')) THEN
    RETURN 0;
  END IF;
  WITH new AS (
    SELECT i.id FROM intents i JOIN gold_lead_journey j ON j.id = i.lead_id
     WHERE i.lane_id = p_sender AND i.status = 'WAITING' AND i.send_class = 3
       AND own_sender(j, i.channel) IS NULL
       AND NOT EXISTS (SELECT FROM conversations v
                        WHERE v.sender_id = p_sender AND v.lead_id = i.lead_id)
     ORDER BY i.due_at, i.id LIMIT p_limit FOR UPDATE OF i SKIP LOCKED
  ), taken AS (
    UPDATE intents i SET lane_id = NULL, updated_at = clock_timestamp()
      FROM new WHERE i.id = new.id RETURNING i.id
  )
  SELECT count(*) INTO v_taken FROM taken;
  IF v_taken > 0 THEN
    PERFORM FROM lanes WHERE id = p_sender FOR UPDATE;
    PERFORM refresh_lane(p_sender);
    PERFORM want_dispatch(engine_now());
  END IF;
  RETURN v_taken;
END
$$;
