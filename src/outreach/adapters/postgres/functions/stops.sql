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

-- What its provider was told to pause goes on all the same: it is told again, with the
-- time in which it must confirm counted from now.
CREATE FUNCTION pause_again(p_account uuid, p_about uuid, p_cause text) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  DELETE FROM stops WHERE account_id = p_account AND kind = 'PAUSE' AND about = p_about
     AND confirmed_at IS NOT NULL;
  PERFORM add_stop(p_account, 'PAUSE', p_about, NULL, p_cause);
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
  IF p_fault = 'BOUNCED' THEN
    PERFORM mark_returned(p_attempt);
  END IF;
  PERFORM count_mail(p_attempt, 0, 0, (p_fault = 'BOUNCED')::integer,
                     (p_fault = 'COMPLAINED')::integer);
  PERFORM put_duty('BREAKER', e.campaign_id::text, a.tenant_id, v_now)
    FROM attempts a
    JOIN intents i ON i.id = a.intent_id
    JOIN sequence_enrollments e ON e.id = i.enrollment_id
   WHERE a.id = p_attempt AND e.campaign_id IS NOT NULL;
END
$$;

-- Mail to the lead's present address came back for good: domain.bounce.RETURNED.
CREATE FUNCTION mark_returned(p_attempt uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
BEGIN
  UPDATE mail_faults f SET status_before = d.email_status
    FROM attempts a
    JOIN leads d ON d.id = a.lead_id
    JOIN gold_communication_log g ON g.id = a.id AND g.created_at = a.called_at
   WHERE f.attempt_id = p_attempt AND f.fault = 'BOUNCED' AND a.id = p_attempt
     AND d.email_status <> 'bounced' AND g.recipient = (
       SELECT value FROM contact_points c WHERE c.tenant_id = a.tenant_id
          AND c.lead_id = a.lead_id AND c.kind = 'email' ORDER BY rank LIMIT 1);
  UPDATE leads d
     SET email_status = 'bounced', version = version + 1, updated_at = clock_timestamp()
    FROM attempts a JOIN mail_faults f ON f.attempt_id = a.id AND f.fault = 'BOUNCED'
   WHERE a.id = p_attempt AND d.id = a.lead_id AND f.status_before IS NOT NULL
     AND d.email_status <> 'bounced';
END
$$;

-- A mail did not come back after all: its campaign's count of that day is corrected, and
-- once none of the lead's is left that did, its address is what it was before.
CREATE FUNCTION take_fault_back(p_attempt uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SET search_path FROM CURRENT
AS $$
DECLARE
  v_fault mail_faults;
  v_lead uuid;
  v_left uuid;
BEGIN
  DELETE FROM mail_faults WHERE attempt_id = p_attempt AND fault = 'BOUNCED'
  RETURNING * INTO v_fault;
  IF NOT FOUND THEN
    RETURN;
  END IF;
  UPDATE campaign_mail m SET bounced = m.bounced - 1
   WHERE (m.campaign_id, m.day, m.account_id, m.stripe) = (
     SELECT x.campaign_id, x.day, x.account_id, x.stripe
       FROM attempts a
       JOIN intents i ON i.id = a.intent_id
       JOIN sequence_enrollments e ON e.id = i.enrollment_id
       JOIN campaign_mail x ON x.campaign_id = e.campaign_id
        AND x.account_id = a.account_id
        AND x.day = (v_fault.at AT TIME ZONE 'UTC')::date AND x.bounced > 0
      WHERE a.id = p_attempt ORDER BY x.stripe LIMIT 1 FOR UPDATE OF x);
  IF v_fault.status_before IS NULL THEN
    RETURN;
  END IF;
  SELECT lead_id INTO v_lead FROM attempts WHERE id = p_attempt;
  SELECT f.attempt_id INTO v_left FROM mail_faults f
    JOIN attempts a ON a.id = f.attempt_id
   WHERE a.lead_id = v_lead AND f.fault = 'BOUNCED' ORDER BY f.at LIMIT 1;
  IF v_left IS NOT NULL THEN
    UPDATE mail_faults SET status_before = v_fault.status_before
     WHERE attempt_id = v_left AND fault = 'BOUNCED';
    RETURN;
  END IF;
  UPDATE leads
     SET email_status = v_fault.status_before, version = version + 1,
         updated_at = clock_timestamp()
   WHERE id = v_lead AND email_status = 'bounced';
END
$$;
