-- What providers must be told not to send any more, and the counts of a campaign's mail.

-- A stop, repeated by its duty until it is confirmed. The first cause stays.
CREATE FUNCTION add_stop(p_account uuid, p_kind text, p_about uuid, p_lead uuid,
                         p_cause text)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_id uuid;
  v_now timestamptz := engine_now();
BEGIN
  INSERT INTO stops (tenant_id, account_id, kind, about, lead_id, cause, caused_at)
  VALUES (current_tenant(), p_account, p_kind, p_about, p_lead, p_cause, v_now)
  ON CONFLICT (account_id, kind, about) DO NOTHING RETURNING id INTO v_id;
  IF FOUND THEN
    PERFORM put_duty('STOP', v_id::text, current_tenant(), v_now);
  END IF;
END
$$;

-- Mail of a lead that a provider may have, whatever became of it there. Other channels
-- hold nothing.
CREATE FUNCTION mailed(p_lead uuid) RETURNS SETOF attempts
LANGUAGE plpgsql STABLE SET search_path FROM CURRENT
AS $$
BEGIN
  RETURN QUERY
    SELECT a.* FROM attempts a
     WHERE a.lead_id = p_lead AND a.channel IN ('EMAIL_COLD', 'EMAIL_WARM')
       AND a.outcome IN ('CALLING', 'ACCEPTED', 'UNKNOWN', 'ABANDONED')
     ORDER BY a.called_at, a.n;
END
$$;

-- Have providers send no more of what they may hold for a lead, or of one run.
CREATE FUNCTION withdraw(p_lead uuid, p_enrolment uuid, p_cause text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM add_stop(a.account_id, 'WITHDRAW', a.id, p_lead, p_cause)
    FROM mailed(p_lead) AS a
    JOIN intents i ON i.id = a.intent_id
    JOIN gold_communication_log g ON g.id = a.id AND g.created_at = a.called_at
    -- A provider that has told more has sent the message on.
   WHERE g.status IN ('QUEUED', 'ACCEPTED', 'UNKNOWN')
     AND (p_enrolment IS NULL OR i.enrollment_id = p_enrolment);
END
$$;

-- Have every account that wrote to a lead's address write to it no more.
CREATE FUNCTION block(p_lead uuid, p_cause text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  PERFORM add_stop(box.account_id, 'BLOCK', box.id, p_lead, p_cause) FROM (
    SELECT DISTINCT ON (a.account_id, g.recipient) a.account_id, a.id
      FROM mailed(p_lead) AS a
      JOIN gold_communication_log g ON g.id = a.id AND g.created_at = a.called_at
     ORDER BY a.account_id, g.recipient, a.called_at, a.n) AS box;
END
$$;

-- Have every account that a campaign's mail went to send no more of it. `about` is the
-- campaign, or the provider's own for it.
CREATE FUNCTION pause_campaign(p_campaign uuid, p_cause text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  -- A provider that runs campaigns has one or more for it, each with an id.
  PERFORM add_stop(h.account_id, 'PAUSE', h.id, NULL, p_cause)
    FROM provider_campaigns h WHERE h.campaign_id = p_campaign AND h.ref <> '';
  PERFORM add_stop(m.account_id, 'PAUSE', p_campaign, NULL, p_cause) FROM (
    SELECT DISTINCT account_id FROM campaign_mail
     WHERE campaign_id = p_campaign AND sent > 0) AS m
   WHERE NOT EXISTS (SELECT FROM provider_campaigns h
                      WHERE h.account_id = m.account_id AND h.campaign_id = p_campaign);
END
$$;

-- A stop that is not confirmed yet, with what the provider needs to know.
CREATE FUNCTION stop_doc(s stops) RETURNS jsonb
LANGUAGE sql VOLATILE SET search_path FROM CURRENT
AS $$
  SELECT jsonb_build_object('id', (s).id, 'tenant', (s).tenant_id,
    'account', (s).account_id, 'kind', (s).kind, 'about', (s).about,
    'lead', (s).lead_id, 'cause', (s).cause, 'at', (s).caused_at, 'now', engine_now(),
    'tries', (s).tries, 'detail', (s).detail, 'alerted', (s).alerted_at IS NOT NULL,
    'ref', coalesce(a.external_ref, h.ref, ''), 'to', coalesce(g.recipient, ''),
    'in_doubt', coalesce(a.outcome IN ('CALLING', 'UNKNOWN'), false))
    FROM (SELECT 1) AS one
    LEFT JOIN attempts a ON a.id = (s).about AND (s).kind <> 'PAUSE'
    LEFT JOIN provider_campaigns h ON h.id = (s).about AND (s).kind = 'PAUSE'
    LEFT JOIN gold_communication_log g ON g.id = a.id AND g.created_at = a.called_at
$$;

-- Mail ------------------------------------------------------------------------

-- Adds to the counts of the day of an attempt's campaign, if it is mail and has one.
-- In stripes, so that two writers seldom wait for each other.
CREATE FUNCTION count_mail(p_attempt uuid, p_sent integer, p_delivered integer,
                           p_bounced integer, p_complained integer)
RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  INSERT INTO campaign_mail AS m (tenant_id, campaign_id, account_id, day, stripe, sent,
                                  delivered, bounced, complained)
  SELECT a.tenant_id, e.campaign_id, a.account_id,
         (engine_now() AT TIME ZONE 'UTC')::date, pg_backend_pid() % 16,
         p_sent, p_delivered, p_bounced, p_complained
    FROM attempts a
    JOIN intents i ON i.id = a.intent_id
    JOIN sequence_enrollments e ON e.id = i.enrollment_id
   WHERE a.id = p_attempt AND a.channel IN ('EMAIL_COLD', 'EMAIL_WARM')
     AND e.campaign_id IS NOT NULL
  ON CONFLICT (campaign_id, day, account_id, stripe) DO UPDATE
     SET sent = m.sent + excluded.sent, delivered = m.delivered + excluded.delivered,
         bounced = m.bounced + excluded.bounced,
         complained = m.complained + excluded.complained;
END
$$;

-- A mail came back, or was complained about: counted once, and its campaign is judged.
CREATE FUNCTION count_fault(p_attempt uuid, p_fault text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_now timestamptz := engine_now();
BEGIN
  INSERT INTO mail_faults (tenant_id, attempt_id, fault, at)
  SELECT a.tenant_id, a.id, p_fault, v_now FROM attempts a
   WHERE a.id = p_attempt AND a.channel IN ('EMAIL_COLD', 'EMAIL_WARM')
  ON CONFLICT DO NOTHING;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  PERFORM nobody_there(a, 'bounced') FROM attempts a
    WHERE a.id = p_attempt AND p_fault = 'BOUNCED';
  PERFORM count_mail(p_attempt, 0, 0, (p_fault = 'BOUNCED')::integer,
                     (p_fault = 'COMPLAINED')::integer);
  PERFORM put_duty('BREAKER', e.campaign_id::text, a.tenant_id, v_now)
    FROM attempts a
    JOIN intents i ON i.id = a.intent_id
    JOIN sequence_enrollments e ON e.id = i.enrollment_id
   WHERE a.id = p_attempt AND e.campaign_id IS NOT NULL;
END
$$;
