-- Further budgets of a phone (domain/limits.py says who takes part in which).
-- Their rows are locked after the unit and before the lane, in the order of their keys.

-- Stores the limits of a phone. What was full may not be any more, so it is asked
-- for again; locked before: the phone.
CREATE FUNCTION set_limits(p_phone uuid, p_limits jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE senders
     SET total_per_day = (p_limits ->> 'total_per_day')::integer,
         unanswered_per_month = (p_limits ->> 'unanswered_per_month')::integer,
         company_per_month = (p_limits ->> 'company_per_month')::integer,
         domain_per_day = (p_limits ->> 'domain_per_day')::integer,
         campaign_new_per_day = (p_limits ->> 'campaign_new_per_day')::integer
   WHERE id = p_phone;
END
$$;

CREATE FUNCTION reopen_full(p_lane uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE lanes SET new_gate_at = '-infinity', budget_gate_at = '-infinity'
   WHERE id = p_lane;
  UPDATE intents i
     SET due_at = least(i.due_at, engine_now() + (i.due_at - ended.at)),
         updated_at = clock_timestamp()
    FROM (
      SELECT x.id, u.ends_at AS at FROM intents x
        JOIN budget_use u ON u.sender_id = p_lane AND u.ends_at > engine_now()
         AND x.due_at >= u.ends_at AND x.due_at < u.ends_at + interval '1 second'
       WHERE x.lane_id = p_lane AND x.status = 'WAITING'
         AND x.last_reason = 'BUDGET_EXCEEDED'
       FOR UPDATE OF x SKIP LOCKED) AS ended
   WHERE i.id = ended.id;
END
$$;

-- The limit that a budget has by now; NULL: none is set any more.
CREATE FUNCTION limit_of(p senders, p_key text) RETURNS integer
LANGUAGE sql STABLE
RETURN CASE split_part(p_key, ':', 1)
    WHEN 'total' THEN p.total_per_day
    WHEN 'unanswered' THEN p.unanswered_per_month
    WHEN 'company' THEN p.company_per_month
    WHEN 'domain' THEN p.domain_per_day
    WHEN 'campaign' THEN p.campaign_new_per_day END;

-- As domain/limits.py names a company.
CREATE FUNCTION company_key(p_cui text, p_name text) RETURNS text
LANGUAGE sql IMMUTABLE
RETURN CASE WHEN p_cui <> '' OR p_name <> '' THEN encode(substr(sha256(convert_to(
    CASE WHEN p_cui <> '' THEN 'cui:' || p_cui
         ELSE 'name:' || translate(p_name, 'ABCDEFGHIJKLMNOPQRSTUVWXYZ',
                                           'abcdefghijklmnopqrstuvwxyz') END,
    'UTF8')), 1, 8), 'hex') END;

-- What is used of the budgets that a message may take part in: {key: used}. A look at
-- one row each, and at none for a phone without further budgets.
CREATE FUNCTION budgets_used(p senders, p_company text, p_domain text,
                             p_campaign uuid)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_day text;
BEGIN
  IF num_nonnulls(p.total_per_day, p.unanswered_per_month, p.company_per_month,
                  p.domain_per_day, p.campaign_new_per_day) = 0 THEN
    RETURN '{}';
  END IF;
  v_day := (engine_now() AT TIME ZONE p.time_zone)::date::text;
  RETURN (
    SELECT coalesce(jsonb_object_agg(u.key, u.used), '{}') FROM budget_use u
     WHERE u.sender_id = p.id AND u.key = ANY (array_remove(ARRAY[
       'total:' || v_day, 'unanswered:' || left(v_day, 7),
       'company:' || p_company || ':' || left(v_day, 7),
       'domain:' || nullif(p_domain, '') || ':' || v_day,
       'campaign:' || p_campaign || ':' || v_day], NULL)));
END
$$;

-- T1: makes and locks the rows of a message's budgets.
CREATE FUNCTION lock_budgets(p_tenant uuid, p_sender uuid, p_shares jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_keys text[];
BEGIN
  IF coalesce(jsonb_array_length(p_shares), 0) = 0 THEN
    RETURN;
  END IF;
  v_keys := ARRAY(SELECT s ->> 'key' FROM jsonb_array_elements(p_shares) AS s);
  INSERT INTO budget_use (tenant_id, sender_id, key, limit_told, ends_at)
  SELECT p_tenant, p_sender, s ->> 'key', (s ->> 'limit')::integer,
         (s ->> 'ends_at')::timestamptz
    FROM jsonb_array_elements(p_shares) AS s ORDER BY s ->> 'key'
  ON CONFLICT (sender_id, key) DO NOTHING;
  IF FOUND THEN
    PERFORM forget_ended(p_sender);
  END IF;
  PERFORM FROM budget_use WHERE sender_id = p_sender AND key = ANY (v_keys)
   ORDER BY key FOR UPDATE;
END
$$;

-- Each new row takes a few away whose period ended long ago, so that they stay few
-- without a job of their own. A call under way or unknown is 24 hours old at most.
CREATE FUNCTION forget_ended(p_sender uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  DELETE FROM budget_use WHERE (sender_id, key) IN (
    SELECT sender_id, key FROM budget_use
     WHERE sender_id = p_sender AND ends_at < engine_now() - interval '7 days'
     ORDER BY ends_at LIMIT 8 FOR UPDATE SKIP LOCKED);
END
$$;

-- T1: the full one that lasts longest; NULL: each has room. Locked before: the rows.
CREATE FUNCTION full_budget(p senders, p_intent uuid, p_shares jsonb)
RETURNS text
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  IF coalesce(jsonb_array_length(p_shares), 0) = 0 THEN
    RETURN NULL;
  END IF;
  RETURN (
    SELECT u.key FROM jsonb_array_elements(p_shares) AS s
     CROSS JOIN LATERAL (
       -- One probe each, whatever the planner thinks of a table it does not know.
       SELECT b.key, b.used FROM budget_use b
        WHERE b.sender_id = p.id AND b.key = s ->> 'key' OFFSET 0) AS u
     WHERE u.used >= least((s ->> 'limit')::integer, limit_of(p, u.key))
       AND (SELECT true FROM budget_units h WHERE h.sender_id = p.id
               AND h.key = u.key AND h.intent_id = p_intent) IS NULL
     ORDER BY (s ->> 'ends_at')::timestamptz DESC, u.key COLLATE "C" DESC LIMIT 1);
END
$$;

-- T1: one unit of each, together with the attempt; whoever holds one takes no second.
CREATE FUNCTION take_budgets(p_tenant uuid, p_sender uuid, p_intent uuid,
                             p_attempt uuid, p_shares jsonb)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_share jsonb;
BEGIN
  FOR v_share IN SELECT * FROM jsonb_array_elements(coalesce(p_shares, '[]')) LOOP
    INSERT INTO budget_units (tenant_id, sender_id, key, intent_id, attempt_id)
    VALUES (p_tenant, p_sender, v_share ->> 'key', p_intent, p_attempt)
    ON CONFLICT (sender_id, key, intent_id) DO NOTHING;
    IF FOUND THEN
      UPDATE budget_use
         SET used = used + 1, limit_told = (v_share ->> 'limit')::integer
       WHERE sender_id = p_sender AND key = v_share ->> 'key';
    END IF;
  END LOOP;
END
$$;

-- T2: the rows of an attempt's budgets, before its lane.
CREATE FUNCTION lock_budgets_of(p_attempt uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_held record;
BEGIN
  FOR v_held IN
    SELECT sender_id, key FROM budget_units WHERE attempt_id = p_attempt ORDER BY key
  LOOP
    PERFORM FROM budget_use WHERE sender_id = v_held.sender_id AND key = v_held.key
        FOR UPDATE;
  END LOOP;
END
$$;

-- What this very attempt took, once. Locked before: the rows.
CREATE FUNCTION give_budgets_back(p_attempt uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_gone record;
BEGIN
  FOR v_gone IN
    DELETE FROM budget_units WHERE attempt_id = p_attempt RETURNING sender_id, key
  LOOP
    UPDATE budget_use SET used = used - 1
     WHERE sender_id = v_gone.sender_id AND key = v_gone.key;
    UPDATE lanes SET budget_gate_at = '-infinity' WHERE id = v_gone.sender_id;
  END LOOP;
END
$$;

CREATE FUNCTION holds_budgets(p_attempt uuid) RETURNS boolean
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$ SELECT EXISTS (SELECT FROM budget_units WHERE attempt_id = p_attempt) $$;

-- Messages that count in each budget: {key: [intent]}, also of a key without any.
CREATE FUNCTION budgets_held(p_sender uuid, p_keys text[]) RETURNS jsonb
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT coalesce(jsonb_object_agg(k.key, (
    SELECT coalesce(jsonb_agg(h.intent_id), '[]') FROM budget_units h
     WHERE h.sender_id = p_sender AND h.key = k.key)), '{}')
    FROM unnest(p_keys) AS k (key)
$$;

-- Puts off all in a lane that a full budget stops: the lane itself by one write, or
-- those of one campaign, or to people who have not answered, in their order within
-- one second. What another holds is passed over; it is put off when it is asked for.
-- Locked before: the lane.
CREATE FUNCTION close_for_budget(p_lane uuid, i intents, p_key text,
                                 p_until timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_kind text := split_part(p_key, ':', 1);
BEGIN
  IF v_kind = 'total' THEN
    UPDATE lanes SET budget_gate_at = greatest(budget_gate_at, p_until)
     WHERE id = p_lane;
    RETURN;
  END IF;
  WITH waiting AS (
    SELECT x.id, x.due_at FROM intents x
     WHERE x.id = (i).id AND x.status = 'WAITING' FOR UPDATE SKIP LOCKED
  ), same AS (
    SELECT x.id, x.due_at FROM intents x
     WHERE v_kind IN ('campaign', 'unanswered')
       AND x.lane_id = p_lane AND x.status = 'WAITING' AND x.id <> (i).id
       AND x.due_at < p_until AND x.send_class IN (2, 3)
       AND CASE v_kind
           WHEN 'campaign' THEN x.send_class = 3
             AND NOT EXISTS (SELECT FROM conversations v
                              WHERE v.sender_id = p_lane AND v.lead_id = x.lead_id)
             AND EXISTS (SELECT FROM sequence_enrollments e
                          WHERE e.id = x.enrollment_id
                            AND e.campaign_id::text = split_part(p_key, ':', 2))
           ELSE EXISTS (SELECT FROM gold_lead_journey j
                         WHERE j.id = x.lead_id AND j.reply_count = 0) END
     FOR UPDATE OF x SKIP LOCKED
  ), placed AS (
    SELECT id, row_number() OVER (ORDER BY due_at, id) - 1 AS place
      FROM (SELECT * FROM waiting UNION ALL SELECT * FROM same) AS every
  )
  UPDATE intents x SET due_at = p_until + p.place * interval '1 microsecond',
         last_reason = 'BUDGET_EXCEEDED', updated_at = clock_timestamp()
    FROM placed p WHERE x.id = p.id;
END
$$;

-- Budgets whose use is not what their holders say, or that an attempt holds which was
-- not sent (INV-10); none, ever.
CREATE FUNCTION budgets_apart()
RETURNS TABLE (sender_id uuid, key text, used integer, held bigint, unsent bigint)
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT u.sender_id, u.key, u.used, count(h.intent_id),
         count(a.id) FILTER (WHERE a.outcome IN ('RELEASED', 'NOT_SENT'))
    FROM budget_use u
    LEFT JOIN budget_units h ON h.sender_id = u.sender_id AND h.key = u.key
    LEFT JOIN attempts a ON a.id = h.attempt_id
   GROUP BY u.sender_id, u.key, u.used
  HAVING count(h.intent_id) <> u.used
      OR count(a.id) FILTER (WHERE a.outcome IN ('RELEASED', 'NOT_SENT')) > 0
$$;
