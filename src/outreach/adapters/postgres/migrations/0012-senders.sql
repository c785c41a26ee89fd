-- Phones, mailboxes and accounts that pick a mailbox themselves are senders alike.

ALTER TABLE wa_phone_numbers RENAME TO senders;
ALTER TABLE senders RENAME COLUMN phone_number TO number;
ALTER TABLE senders RENAME COLUMN phone_label TO label;
ALTER TABLE senders
  ADD COLUMN channel text NOT NULL DEFAULT 'WHATSAPP'
    CHECK (channel IN ('WHATSAPP', 'EMAIL_COLD', 'EMAIL_WARM')),
  -- It can answer a mail in its conversation, whatever its own channel is.
  ADD COLUMN answers boolean NOT NULL DEFAULT false;

-- An address has one lane, over all tenants; the name of an account is its tenant's.
ALTER TABLE senders DROP CONSTRAINT wa_phone_numbers_phone_number_key;
CREATE UNIQUE INDEX senders_address ON senders (number)
  WHERE left(number, 1) = '+' OR position('@' IN number) > 0;
-- Which channels a tenant can write on: one probe each.
CREATE INDEX senders_channel ON senders (tenant_id, channel)
  WHERE is_enabled AND status NOT IN ('BANNED', 'RETIRED');

-- Under the names that people know; what the reader may see is asked of the table.
CREATE VIEW wa_phone_numbers WITH (security_invoker = true) AS
  SELECT id, tenant_id, account_id, number AS phone_number, label AS phone_label,
         provider, provider_account_ref, status, status_before, status_until,
         status_changed_at, status_reason, last_health_check_at,
         last_message_sent_at, last_message_received_at, is_online,
         daily_quota_limit, warm_up_began, warm_up_days, warm_up_start, gap, jitter,
         total_per_day, unanswered_per_month, company_per_month, domain_per_day,
         campaign_new_per_day, time_zone, total_messages_sent, total_leads_assigned,
         total_conversations, is_enabled, priority, reputation, created_at, updated_at
    FROM senders WHERE channel = 'WHATSAPP';
CREATE VIEW mailboxes WITH (security_invoker = true) AS
  SELECT id, tenant_id, account_id, channel, number AS address, label, provider,
         status, status_before, status_until, status_changed_at, status_reason,
         last_health_check_at, last_message_sent_at, last_message_received_at,
         is_online, answers, total_per_day, gap, jitter, time_zone,
         total_messages_sent, total_leads_assigned, total_conversations, is_enabled,
         priority, reputation, created_at, updated_at
    FROM senders WHERE channel <> 'WHATSAPP';
GRANT SELECT ON wa_phone_numbers, mailboxes TO outreach_worker, outreach_web;

-- A lead keeps its mailbox of each kind: assigned_mailbox_id is the one of cold mail.
ALTER TABLE gold_lead_journey ADD COLUMN assigned_warm_mailbox_id uuid;

-- Of a reply by mail, frozen with its text.
ALTER TABLE intents ADD COLUMN subject text NOT NULL DEFAULT '';

-- What is new and waits for a sender, by channel.
DROP INDEX intents_unallocated;
CREATE INDEX intents_unallocated ON intents (tenant_id, channel, due_at, id)
  WHERE status = 'WAITING' AND lane_id IS NULL;
