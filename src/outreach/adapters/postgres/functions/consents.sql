-- What people agreed to. The rule of what counts is domain/consent.py's.

CREATE FUNCTION consent_doc(c consents) RETURNS jsonb
LANGUAGE sql STABLE
RETURN jsonb_build_object('id', c.id, 'lead', c.lead_id, 'channel', c.channel,
    'kind', c.kind, 'address', c.address, 'text', c.text, 'source', c.source,
    'by', c.recorded_by, 'asked_at', c.asked_at, 'confirmed_at', c.confirmed_at,
    'withdrawn_at', c.withdrawn_at);

-- All of a lead, oldest first.
CREATE FUNCTION consent_docs(p_lead uuid) RETURNS jsonb
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN (
    SELECT coalesce(jsonb_agg(consent_doc(c) ORDER BY c.asked_at, c.id), '[]')
      FROM consents c WHERE c.tenant_id = current_tenant() AND c.lead_id = p_lead);
END
$$;

-- For the lead's present phone or address; NULL: it has none there, or is not there.
CREATE FUNCTION add_consent(p_id uuid, p_lead uuid, p_channel text, p_kind text,
                            p_text text, p_source text, p_by text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_consent consents;
  v_now timestamptz := engine_now();
BEGIN
  INSERT INTO consents (id, tenant_id, lead_id, channel, kind, address, text, source,
                        recorded_by, asked_at, confirmed_at)
  SELECT p_id, current_tenant(), p_lead, p_channel, p_kind, c.value, p_text, p_source,
         p_by, v_now, CASE WHEN p_kind = 'PROVEN' THEN v_now END
    FROM contact_points c
   WHERE c.tenant_id = current_tenant() AND c.lead_id = p_lead
     AND c.kind = CASE p_channel WHEN 'WHATSAPP' THEN 'phone' ELSE 'email' END
   ORDER BY c.rank LIMIT 1
  RETURNING * INTO v_consent;
  RETURN CASE WHEN FOUND THEN consent_doc(v_consent) END;
END
$$;

CREATE FUNCTION confirm_consent(p_consent uuid, p_within interval) RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_now timestamptz := engine_now();
BEGIN
  UPDATE consents SET confirmed_at = coalesce(confirmed_at, v_now)
   WHERE id = p_consent AND withdrawn_at IS NULL
     AND (confirmed_at IS NOT NULL OR v_now < asked_at + p_within);
  RETURN FOUND;
END
$$;

-- How many; NULL: there is no such lead. Its version grows, so that no draft that was
-- decided before is armed.
CREATE FUNCTION withdraw_consents(p_lead uuid, p_channel text, p_by text)
RETURNS integer
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_ended integer;
  v_mail text[] := ARRAY['EMAIL_COLD', 'EMAIL_WARM'];
BEGIN
  PERFORM FROM gold_lead_journey WHERE id = p_lead FOR UPDATE;
  IF NOT FOUND THEN
    RETURN NULL;
  END IF;
  UPDATE consents SET withdrawn_at = engine_now(), withdrawn_by = p_by
   WHERE tenant_id = current_tenant() AND lead_id = p_lead AND withdrawn_at IS NULL
     AND (channel = p_channel OR ARRAY[channel, p_channel] <@ v_mail);
  GET DIAGNOSTICS v_ended = ROW_COUNT;
  IF v_ended > 0 THEN
    UPDATE gold_lead_journey SET version = version + 1, updated_at = clock_timestamp()
     WHERE id = p_lead;
  END IF;
  RETURN v_ended;
END
$$;
