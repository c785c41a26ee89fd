-- Whether the caller must tell people: it is the first, or nobody said for p_again that
-- people were told.
CREATE FUNCTION open_incident(p_kind text, p_about text, p_again interval)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  INSERT INTO incidents AS i (kind, about) VALUES (p_kind, p_about)
  ON CONFLICT (kind, about) DO UPDATE SET raised_on = clock_timestamp()
   WHERE i.told_on IS NULL AND clock_timestamp() - i.raised_on >= p_again;
  RETURN FOUND;
END
$$;

-- One call of the tenant's model, if its minute and its day have one left.
CREATE FUNCTION take_model_call(p_tenant uuid, p_per_minute integer, p_per_day integer)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v model_calls;
  v_now timestamptz := clock_timestamp();
BEGIN
  INSERT INTO model_calls (tenant_id, minute_began, day_began)
  VALUES (p_tenant, v_now, v_now) ON CONFLICT (tenant_id) DO NOTHING;
  SELECT * INTO v FROM model_calls WHERE tenant_id = p_tenant FOR UPDATE;
  v_now := clock_timestamp();
  IF v_now - v.minute_began >= interval '1 minute' THEN
    v.minute_began := v_now;
    v.in_minute := 0;
  END IF;
  IF v_now - v.day_began >= interval '24 hours' THEN
    v.day_began := v_now;
    v.in_day := 0;
  END IF;
  IF v.in_minute >= p_per_minute OR v.in_day >= p_per_day THEN
    RETURN false;
  END IF;
  UPDATE model_calls
     SET minute_began = v.minute_began, in_minute = v.in_minute + 1,
         day_began = v.day_began, in_day = v.in_day + 1
   WHERE tenant_id = p_tenant;
  RETURN true;
END
$$;
