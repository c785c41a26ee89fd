-- Engine time, and how far a scaled run may let it go.

-- Engine time (UTC). VOLATILE and over clock_timestamp(): the time of a transaction
-- stands still, also while it waits for locks.
CREATE FUNCTION engine_now() RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN (
    SELECT coalesce(position, clock_timestamp()) FROM engine_clock);
END
$$;

-- The same, for people: SELECT outreach.now().
CREATE FUNCTION "now"() RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN (SELECT engine_now());
END
$$;

CREATE FUNCTION engine_speed() RETURNS double precision
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN (SELECT speed FROM engine_clock);
END
$$;

-- The earliest engine time at which something is due or under way; NULL: nothing.
-- Each line is the head of an index.
CREATE FUNCTION earliest_due() RETURNS timestamptz
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN (
    SELECT least(
      (SELECT min(wake_at) FROM lanes WHERE wake_at IS NOT NULL),
      (SELECT engine_now() FROM lanes
        WHERE owner IS NOT NULL AND calling IS NULL LIMIT 1),
      (SELECT engine_now() FROM lanes WHERE calling IS NOT NULL LIMIT 1),
      (SELECT min(due_at) FROM duties WHERE NOT instance_held()),
      (SELECT min(due_at) FROM event_keys
        WHERE status IN ('WAITING', 'PARKED') AND due_at < 'infinity')
    ));
END
$$;

-- Takes a scaled run forward by the machine time that passed, at most by p_stride of
-- it at once and never past p_until. While work is due or under way it stands still:
-- a slow machine slows time, it loses no sends. Time moves in grains: what comes due
-- within p_grain of the next piece of work is due with it.
CREATE FUNCTION tick(p_stride interval, p_grain interval, p_until timestamptz,
                     OUT at timestamptz, OUT due boolean)
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_clock engine_clock;
  v_next timestamptz := earliest_due();
BEGIN
  SELECT * INTO v_clock FROM engine_clock;
  at := v_clock.position;
  IF v_next IS NULL OR v_next > at THEN
    at := least(at + v_clock.speed
                  * least(clock_timestamp() - v_clock.ticked_at, p_stride),
                CASE WHEN v_next IS NOT NULL THEN greatest(v_next, at + p_grain) END,
                p_until);
    at := greatest(at, v_clock.position);
  END IF;
  UPDATE engine_clock SET position = at, ticked_at = clock_timestamp()
   WHERE position IS NOT NULL;
  due := v_next <= at;
END
$$;

-- Rows with a due time: the earlier one wins; what is put while it is being done
-- comes back for it.
CREATE FUNCTION put_duty(p_kind text, p_key text, p_tenant uuid, p_due timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  INSERT INTO duties AS d (kind, key, tenant_id, due_at)
  VALUES (p_kind, p_key, p_tenant, p_due)
  ON CONFLICT (kind, key) DO UPDATE
     SET due_at = CASE WHEN d.owner IS NULL THEN least(d.due_at, excluded.due_at)
                       ELSE d.due_at END,
         again_at = CASE WHEN d.owner IS NOT NULL
                         THEN least(d.again_at, excluded.due_at) END
   WHERE d.owner IS NOT NULL OR excluded.due_at < d.due_at;
END
$$;

CREATE FUNCTION take_duties(p_who text, p_limit integer, p_lease interval)
RETURNS SETOF duties
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN QUERY
  UPDATE duties SET owner = p_who, lease_until = clock_timestamp() + p_lease,
         taken_at = engine_now()
   WHERE (kind, key) IN (
     SELECT kind, key FROM duties
      -- Asked once, in a query of its own: a volatile function bounds no index.
      WHERE kind <> 'LOOK' AND due_at <= (SELECT engine_now())
        AND NOT (SELECT instance_held())
        AND (owner IS NULL OR lease_until < clock_timestamp())
      ORDER BY due_at LIMIT p_limit FOR UPDATE SKIP LOCKED)
  RETURNING *;
END
$$;

-- Ends the taking of p_taken; whoever lost the duty to another worker ends nothing.
CREATE FUNCTION end_duty(p_kind text, p_key text, p_taken timestamptz,
                         p_again timestamptz)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  DELETE FROM duties
   WHERE kind = p_kind AND key = p_key AND owner IS NOT NULL AND taken_at = p_taken
     AND again_at IS NULL AND p_again IS NULL;
  UPDATE duties
     SET due_at = least(p_again, again_at), again_at = NULL, owner = NULL,
         lease_until = NULL, taken_at = NULL
   WHERE kind = p_kind AND key = p_key AND owner IS NOT NULL AND taken_at = p_taken
     AND least(p_again, again_at) IS NOT NULL;
END
$$;

-- Counts something of the tenant that is set.
CREATE FUNCTION tally(p_kind text, p_name text, p_by bigint) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  INSERT INTO tallies AS t (tenant_id, kind, name, stripe, times)
  VALUES (current_tenant(), p_kind, p_name, pg_backend_pid() % 16, p_by)
  ON CONFLICT (tenant_id, kind, name, stripe)
  DO UPDATE SET times = t.times + excluded.times;
END
$$;

-- The ledger's epoch; a guard with another store behind it starts a new one.
CREATE FUNCTION guard_epoch(p_store text) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE engine_clock SET epoch = epoch + 1, guard_store = p_store
   WHERE guard_store <> p_store;
  RETURN (SELECT epoch FROM engine_clock);
END
$$;
