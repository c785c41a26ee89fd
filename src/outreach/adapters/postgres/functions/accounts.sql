-- What a provider lets an account do: domain/allowance.py. Calls are taken from the
-- bucket by claims, messages from the plan by T1. A row of account_gates is locked
-- last of all, or by a claim, which passes over what another has; those of
-- account_use come after further budgets and before lanes.

-- Calls that can be made now.
CREATE FUNCTION bucket_level(g account_gates) RETURNS double precision
LANGUAGE sql VOLATILE
RETURN least((g).burst, (g).level + (g).rate * greatest(0, extract(
  epoch FROM clock_timestamp() - (g).level_on)::double precision));

-- Engine time at which a call can be made; NULL: now.
CREATE FUNCTION bucket_opens(g account_gates) RETURNS timestamptz
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS $$
  SELECT CASE WHEN (g).rate > 0 AND l.level < 1
    THEN engine_now() + make_interval(secs => (1 - l.level) / (g).rate * engine_speed())
    END FROM (SELECT bucket_level(g) AS level) AS l
$$;

-- A claim that made no call gives it back. Locked before: the lane.
CREATE FUNCTION return_call(p_account uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE account_gates g
     SET level = least(burst, bucket_level(g) + 1), level_on = clock_timestamp()
   WHERE account_id = p_account AND rate > 0;
END
$$;

-- Whether messages of the account are counted at all.
CREATE FUNCTION is_counted(p_account uuid) RETURNS boolean
LANGUAGE sql STABLE
RETURN EXISTS (SELECT FROM account_gates WHERE account_id = p_account
                  AND (per_day > 0 OR per_month > 0 OR told));

CREATE FUNCTION plan_periods(p_day date) RETURNS text[]
LANGUAGE sql STABLE
RETURN ARRAY['day:' || p_day, 'month:' || to_char(p_day, 'YYYY-MM')];

CREATE FUNCTION plan_day_at(p_at timestamptz) RETURNS date
LANGUAGE sql STABLE
RETURN (p_at AT TIME ZONE 'UTC')::date;

CREATE FUNCTION plan_ends(p_period text, p_day date) RETURNS timestamptz
LANGUAGE sql STABLE
RETURN CASE WHEN p_period LIKE 'day:%' THEN (p_day + 1)::timestamp
            ELSE date_trunc('month', p_day) + interval '1 month' END
  AT TIME ZONE 'UTC';

-- Ours, or the vendor's count and ours since.
CREATE FUNCTION plan_used(u account_use) RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN greatest((u).used, (u).told_used + (u).used - (u).told_base);

CREATE FUNCTION plan_limit(u account_use, g account_gates) RETURNS integer
LANGUAGE sql IMMUTABLE
RETURN least(nullif(CASE WHEN (u).period LIKE 'day:%' THEN (g).per_day
                         ELSE (g).per_month END, 0), (u).told_limit);

-- Locks the plans of an account, and makes their rows if they are not there yet.
CREATE FUNCTION lock_plans(p_tenant uuid, p_account uuid, p_day date) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  INSERT INTO account_use (account_id, tenant_id, period)
  SELECT p_account, p_tenant, period FROM unnest(plan_periods(p_day)) AS period
  ON CONFLICT (account_id, period) DO NOTHING;
  PERFORM FROM account_use
    WHERE account_id = p_account AND period = ANY (plan_periods(p_day))
    ORDER BY period FOR UPDATE;
END
$$;

CREATE FUNCTION lock_plans_of(p_attempts uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM FROM account_use WHERE (account_id, period) IN (
    SELECT a.account_id, unnest(plan_periods(a.plan_day)) FROM attempts a
     WHERE a.id = ANY (p_attempts) AND a.plan_day IS NOT NULL)
    ORDER BY account_id, period FOR UPDATE;
END
$$;

-- The full plan that lasts longest; NULL: there is room.
CREATE FUNCTION full_plan(p_account uuid, p_day date) RETURNS account_use
LANGUAGE sql STABLE SET search_path FROM CURRENT
AS $$
  SELECT u.* FROM account_use u JOIN account_gates g ON g.account_id = u.account_id
   WHERE u.account_id = p_account AND u.period = ANY (plan_periods(p_day))
     AND plan_used(u) >= plan_limit(u, g)
   ORDER BY plan_ends(u.period, p_day) DESC LIMIT 1
$$;

-- One more message; people are told of 80 %. Locked before: the plans.
CREATE FUNCTION take_plan(p_tenant uuid, p_account uuid, p_day date) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE account_use SET used = used + 1
   WHERE account_id = p_account AND period = ANY (plan_periods(p_day));
  PERFORM warn_of_plan(p_tenant, p_account, p_day);
  PERFORM close_if_full(p_account, p_day);
END
$$;

-- Before anybody claims in vain.
CREATE FUNCTION close_if_full(p_account uuid, p_day date) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM close_account(p_account, plan_ends(period, p_day))
     FROM full_plan(p_account, p_day) WHERE period IS NOT NULL;
END
$$;

CREATE FUNCTION warn_of_plan(p_tenant uuid, p_account uuid, p_day date) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE account_use u SET warned = true FROM account_gates g
   WHERE u.account_id = p_account AND u.period = ANY (plan_periods(p_day))
     AND g.account_id = p_account AND NOT u.warned
     AND plan_used(u) >= 0.8 * plan_limit(u, g);
  IF FOUND THEN
    PERFORM put_duty('PLAN', p_account::text, p_tenant, engine_now());
  END IF;
END
$$;

-- Closes all lanes of an account by one write.
CREATE FUNCTION close_account(p_account uuid, p_until timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE account_gates SET opens_at = greatest(opens_at, p_until)
   WHERE account_id = p_account;
END
$$;

-- What an attempt took of its account's plan, back, once.
CREATE FUNCTION give_plan_back(p_attempt uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_account uuid;
  v_day date;
BEGIN
  SELECT account_id, plan_day INTO v_account, v_day FROM attempts
   WHERE id = p_attempt AND plan_day IS NOT NULL;
  IF FOUND THEN
    UPDATE attempts SET plan_day = NULL WHERE id = p_attempt;
    UPDATE account_use SET used = used - 1
     WHERE account_id = v_account AND period = ANY (plan_periods(v_day));
    UPDATE account_gates SET opens_at = '-infinity'
     WHERE account_id = v_account AND opens_at > engine_now();
  END IF;
END
$$;

CREATE FUNCTION allow_account(p_account uuid, p_rate double precision, p_burst integer,
                              p_per_day integer, p_per_month integer)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  IF p_rate = 0 AND p_per_day = 0 AND p_per_month = 0
     AND NOT EXISTS (SELECT FROM account_gates WHERE account_id = p_account) THEN
    RETURN;
  END IF;
  INSERT INTO account_gates AS g (account_id, tenant_id, rate, burst, level, per_day,
                                  per_month)
  VALUES (p_account, current_tenant(), p_rate, p_burst, p_burst, p_per_day,
          p_per_month)
  ON CONFLICT (account_id) DO UPDATE
     SET level = CASE WHEN g.rate > 0 THEN least(excluded.burst, bucket_level(g))
                      ELSE excluded.burst END,
         level_on = clock_timestamp(), rate = excluded.rate, burst = excluded.burst,
         per_day = excluded.per_day, per_month = excluded.per_month,
         opens_at = '-infinity'
   WHERE (g.rate, g.burst, g.per_day, g.per_month)
         IS DISTINCT FROM
         (excluded.rate, excluded.burst, excluded.per_day, excluded.per_month);
  IF FOUND THEN
    UPDATE account_use SET warned = false
     WHERE account_id = p_account
       AND period = ANY (plan_periods(plan_day_at(engine_now())));
    PERFORM warn_of_plan(current_tenant(), p_account, plan_day_at(engine_now()));
    PERFORM close_if_full(p_account, plan_day_at(engine_now()));
  END IF;
END
$$;

-- p_uses: [{period: day or month, used, limit}].
CREATE FUNCTION vendor_told(p_account uuid, p_uses jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_day date := plan_day_at(engine_now());
BEGIN
  PERFORM lock_plans(current_tenant(), p_account, v_day);
  UPDATE account_use u
     SET told_used = (x ->> 'used')::integer, told_limit = (x ->> 'limit')::integer,
         told_at = engine_now(), told_base = used
    FROM jsonb_array_elements(p_uses) AS x
   WHERE u.account_id = p_account AND u.period = ANY (plan_periods(v_day))
     AND split_part(u.period, ':', 1) = x ->> 'period';
  INSERT INTO account_gates (account_id, tenant_id, told)
  VALUES (p_account, current_tenant(), true)
  ON CONFLICT (account_id) DO UPDATE SET told = true, opens_at = '-infinity';
  PERFORM warn_of_plan(current_tenant(), p_account, v_day);
  PERFORM close_if_full(p_account, v_day);
END
$$;

CREATE FUNCTION plan_doc(u account_use, g account_gates, p_day date) RETURNS jsonb
LANGUAGE sql STABLE SET search_path FROM CURRENT
RETURN jsonb_build_object('key', 'plan_' || (u).period, 'used', plan_used(u),
  'limit', plan_limit(u, g), 'ends_at', plan_ends((u).period, p_day));

-- The full plan of an account as a message's facts tell it; NULL: there is room.
CREATE FUNCTION full_plan_doc(p_account uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
DECLARE
  v_day date;
  v_full account_use;
  v_gate account_gates;
BEGIN
  SELECT * INTO v_gate FROM account_gates
   WHERE account_id = p_account AND (per_day > 0 OR per_month > 0 OR told);
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  v_day := plan_day_at(engine_now());
  SELECT * INTO v_full FROM full_plan(p_account, v_day);
  RETURN CASE WHEN v_full.period IS NOT NULL THEN plan_doc(v_full, v_gate, v_day) END;
END
$$;

CREATE FUNCTION account_doc(p_account uuid) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_day date := plan_day_at(engine_now());
BEGIN
  RETURN (
    SELECT jsonb_build_object('now', engine_now(), 'rate', g.rate, 'burst', g.burst,
      'per_day', g.per_day, 'per_month', g.per_month, 'room_at', bucket_opens(g),
      'plans', (SELECT coalesce(jsonb_agg(plan_doc(u, g, v_day) ORDER BY n), '[]')
        FROM unnest(plan_periods(v_day)) WITH ORDINALITY AS p (period, n)
        CROSS JOIN LATERAL (
          SELECT coalesce(x, ROW(p_account, current_tenant(), p.period, 0, NULL, NULL,
                                 NULL, NULL, false)::account_use) AS u
            FROM (SELECT 1) AS one LEFT JOIN account_use x
              ON x.account_id = p_account AND x.period = p.period) AS found
       WHERE plan_limit(u, g) IS NOT NULL))
      FROM account_gates g
     WHERE g.account_id = p_account AND g.tenant_id = current_tenant());
END
$$;
