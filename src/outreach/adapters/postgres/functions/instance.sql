-- Whether this is the database that the engine left.

CREATE FUNCTION instance_held() RETURNS boolean
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN EXISTS (SELECT FROM instance WHERE held_on IS NOT NULL);
END
$$;

-- Compares what the database says of itself with where it is, and with how far it was
-- seen (lineage to position), and holds everything if they differ. p_beat: it goes one
-- further, if it is not held.
CREATE FUNCTION meet_instance(p_seen jsonb, p_beat boolean) RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v instance;
  v_system bigint := (SELECT system_identifier FROM pg_control_system());
  v_database oid := (SELECT oid FROM pg_database WHERE datname = current_database());
  v_seen bigint;
BEGIN
  SELECT * INTO v FROM instance;
  IF NOT FOUND THEN
    INSERT INTO instance (system_id, database_id) VALUES (v_system, v_database)
    ON CONFLICT (one) DO NOTHING;
    SELECT * INTO v FROM instance;
  END IF;
  v_seen := (p_seen ->> v.lineage::text)::bigint;
  IF v.held_on IS NULL AND (v.system_id, v.database_id) <> (v_system, v_database) THEN
    PERFORM hold_instance('it is a copy of another database, as it was at '
      || to_char(v.moved_on AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') || ' UTC');
  ELSIF v.held_on IS NULL AND v_seen > v.position THEN
    PERFORM hold_instance('it stands where it stood at '
      || to_char(v.moved_on AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS')
      || ' UTC, and was seen further on');
  ELSIF p_beat THEN
    UPDATE instance SET position = position + 1, moved_on = clock_timestamp()
     WHERE held_on IS NULL;
  END IF;
  SELECT * INTO v FROM instance;
  RETURN jsonb_build_object('lineage', v.lineage, 'position', v.position,
    'held', v.held_why, 'stands_on', v.moved_on);
END
$$;

-- Holds everything, as a kill switch of its own that only a confirmation lifts: what
-- is armed waits for the commit and sees it.
CREATE FUNCTION hold_instance(p_why text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_nobody uuid := '00000000-0000-0000-0000-000000000000';
BEGIN
  PERFORM lock_names(ARRAY['switches']);
  UPDATE instance SET held_on = clock_timestamp(), held_why = p_why
   WHERE held_on IS NULL;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  -- Rows of no tenant are for whoever has set one.
  PERFORM set_config('app.tenant', v_nobody::text, true);
  INSERT INTO switches (tenant_id, scope, covers, reason, thrown_by, thrown_at)
  VALUES (NULL, 'ALL', 'restored', 'the database was restored: ' || p_why
          || '; look what went out since, then outreach confirm-restore', 'engine',
          engine_now())
  ON CONFLICT DO NOTHING;
  PERFORM gate_covered(v_nobody, 'ALL', '');
END
$$;

-- Lets everything go on: as a database of its own, under another epoch of the ledger,
-- so that no guard is believed before it is rebuilt; calls that were under way when
-- the copy was made are UNKNOWN. NULL: nothing is held.
CREATE FUNCTION confirm_restore(p_reason text, p_by text, p_seen jsonb, p_gap interval,
                                p_first_look interval, p_give_up interval)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v instance;
  v_nobody uuid := '00000000-0000-0000-0000-000000000000';
  v_calls integer;
BEGIN
  PERFORM lock_names(ARRAY['switches']);
  SELECT * INTO v FROM instance FOR UPDATE;
  IF v.held_on IS NULL THEN
    RETURN NULL;
  END IF;
  SELECT count(*) INTO v_calls FROM lanes WHERE calling IS NOT NULL;
  PERFORM forsake('%', p_gap, p_first_look, p_give_up);
  UPDATE engine_clock SET epoch = epoch + 1;
  PERFORM set_config('app.tenant', v_nobody::text, true);
  UPDATE switches SET lifted_by = p_by, lifted_at = engine_now(), lifted_why = p_reason
   WHERE scope = 'ALL' AND covers = 'restored' AND lifted_at IS NULL;
  PERFORM gate_covered(v_nobody, 'ALL', '');
  INSERT INTO restores (held_on, why, stands_on, position, seen, calls, reason,
                        confirmed_by)
  VALUES (v.held_on, v.held_why, v.moved_on, v.position,
          (p_seen ->> v.lineage::text)::bigint, v_calls, p_reason, p_by);
  UPDATE instance
     SET lineage = gen_random_uuid(), position = position + 1, held_on = NULL,
         held_why = '', moved_on = clock_timestamp(),
         system_id = (SELECT system_identifier FROM pg_control_system()),
         database_id = (SELECT oid FROM pg_database WHERE datname = current_database());
  RETURN jsonb_build_object('why', v.held_why, 'stands_on', v.moved_on,
                            'calls', v_calls);
END
$$;
