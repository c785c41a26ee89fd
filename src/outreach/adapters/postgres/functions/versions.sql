-- Versions of templates: who was sent which, and what came of it. A lead counts once
-- for a template, with the version that it was sent first. Lock order: a use is its
-- lead's, sums come after the lanes.

-- A message is armed: its lead uses this version, unless it was sent one before.
CREATE FUNCTION use_version(a attempts, p_used jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  INSERT INTO template_uses AS u (tenant_id, lead_id, template_id, version_number,
                                  label, attempt_id, used_at)
  VALUES (a.tenant_id, a.lead_id, (p_used ->> 'template')::uuid,
          (p_used ->> 'number')::integer, p_used ->> 'label', a.id, a.called_at)
  ON CONFLICT (lead_id, template_id) DO UPDATE
     SET version_number = excluded.version_number, label = excluded.label,
         attempt_id = excluded.attempt_id, used_at = excluded.used_at,
         opened = false, replied = false, positive = false, converted = false
   WHERE NOT u.sent;
END
$$;

-- Notes what p_says of a use, and keeps the sums of its version. Whatever the lead did
-- before it was known that the message left counts from then on.
CREATE FUNCTION keep_use(p_lead uuid, p_template uuid, p_says jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  w template_uses;
  u template_uses;
  v_replies integer;
BEGIN
  SELECT * INTO w FROM template_uses
   WHERE lead_id = p_lead AND template_id = p_template FOR UPDATE;
  u := jsonb_populate_record(w, p_says);
  IF NOT FOUND OR u IS NOT DISTINCT FROM w THEN
    RETURN;
  END IF;
  UPDATE template_uses
     SET sent = u.sent, opened = u.opened, replied = u.replied,
         positive = u.positive, converted = u.converted
   WHERE lead_id = p_lead AND template_id = p_template;
  v_replies := (u.sent AND u.replied)::integer - (w.sent AND w.replied)::integer;
  INSERT INTO version_counts AS c (tenant_id, template_id, version_number, stripe, sent,
                                   opens, replies, positive, conversions)
  VALUES (u.tenant_id, u.template_id, u.version_number, pg_backend_pid() % 16,
    u.sent::integer - w.sent::integer,
    (u.sent AND u.opened)::integer - (w.sent AND w.opened)::integer, v_replies,
    (u.sent AND u.positive)::integer - (w.sent AND w.positive)::integer,
    (u.sent AND u.converted)::integer - (w.sent AND w.converted)::integer)
  ON CONFLICT (template_id, version_number, stripe) DO UPDATE
     SET sent = c.sent + excluded.sent, opens = c.opens + excluded.opens,
         replies = c.replies + excluded.replies,
         positive = c.positive + excluded.positive,
         conversions = c.conversions + excluded.conversions;
  PERFORM put_duty('WINNER', t.id::text, t.tenant_id,
                   engine_now() + interval '1 hour')
    FROM outreach_templates t
   WHERE v_replies > 0 AND t.id = u.template_id AND t.versions <> '[]'
     AND t.winner = '';
END
$$;

-- Notes what is said of a message, if it is its lead's use of a template.
CREATE FUNCTION keep_use_of(p_attempt uuid, p_says jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM keep_use(u.lead_id, u.template_id, p_says) FROM attempts a
    JOIN template_uses u ON u.lead_id = a.lead_id AND u.attempt_id = a.id
   WHERE a.id = p_attempt;
END
$$;

-- Whether a message counts as sent has been learnt, or learnt anew.
CREATE FUNCTION count_use(p_attempt uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM keep_use_of(p_attempt, jsonb_build_object(
      'sent', a.outcome IN ('ACCEPTED', 'UNKNOWN', 'ABANDONED')))
    FROM attempts a WHERE a.id = p_attempt;
END
$$;

-- A lead replied: to the message that it names, else to the last that may have left.
CREATE FUNCTION use_answered(p_lead uuid, p_attempt uuid, p_positive boolean)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_template uuid;
BEGIN
  SELECT u.template_id INTO v_template
    FROM template_uses u JOIN attempts a ON a.id = u.attempt_id
   WHERE u.lead_id = p_lead AND u.attempt_id = coalesce(p_attempt, u.attempt_id)
     AND a.outcome IN ('CALLING', 'ACCEPTED', 'UNKNOWN', 'ABANDONED')
   ORDER BY u.used_at DESC LIMIT 1;
  PERFORM keep_use(p_lead, v_template, CASE WHEN p_positive
    THEN '{"replied": true, "positive": true}' ELSE '{"replied": true}' END::jsonb);
END
$$;

-- A lead became a customer: all that it was sent had a part in it.
CREATE FUNCTION use_converted(p_lead uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM keep_use(p_lead, u.template_id, '{"converted": true}') FROM (
    SELECT template_id FROM template_uses WHERE lead_id = p_lead
     ORDER BY template_id) AS u;
END
$$;

-- Templates with what their versions brought since these have the weights of today.
CREATE FUNCTION trial_docs() RETURNS SETOF jsonb
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN QUERY
  SELECT jsonb_build_object('template', template_doc(t), 'counts', (
      SELECT coalesce(jsonb_object_agg(n.version_label, jsonb_build_object(
          'sent', n.sent, 'opens', n.opens, 'replies', n.replies,
          'positive', n.positive, 'conversions', n.conversions)), '{}')
        FROM (SELECT x.version_label, sum(c.sent) AS sent, sum(c.opens) AS opens,
                     sum(c.replies) AS replies, sum(c.positive) AS positive,
                     sum(c.conversions) AS conversions
                FROM template_texts x
                JOIN version_counts c ON c.template_id = x.template_id
                 AND c.version_number = x.version_number
               WHERE x.template_id = t.id AND x.version_number >= t.since
               GROUP BY x.version_label) AS n))
    FROM outreach_templates t
   WHERE t.tenant_id = current_tenant() AND t.is_active ORDER BY t.name COLLATE "C";
END
$$;

-- New leads get this version only; NULL: there is none such. False: another one was
-- picked before, and stays.
CREATE FUNCTION pick_version(p_name text, p_label text, p_by text, p_instead boolean)
RETURNS boolean
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  t outreach_templates;
BEGIN
  SELECT * INTO t FROM outreach_templates
   WHERE tenant_id = current_tenant() AND name = p_name AND is_active FOR UPDATE;
  IF NOT FOUND OR NOT EXISTS (SELECT FROM jsonb_array_elements(t.versions) AS x
                               WHERE x ->> 'label' = p_label) THEN
    RETURN NULL;
  END IF;
  IF t.winner <> '' AND NOT p_instead THEN
    RETURN false;
  END IF;
  UPDATE outreach_templates
     SET winner = p_label, picked_by = p_by, picked_at = engine_now(),
         updated_at = clock_timestamp()
   WHERE id = t.id;
  RETURN true;
END
$$;
