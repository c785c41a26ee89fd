-- Tables. Ids are UUIDs made by the engine; all times of rules are engine time,
-- all leases and deadlines of calls are machine time (clock_timestamp()).

CREATE TABLE tenants (
  id uuid PRIMARY KEY,
  name text NOT NULL UNIQUE,
  time_zone text NOT NULL,
  country text NOT NULL,
  language text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- One row: the ledger's epoch, and the position of a scaled run (NULL: real time).
CREATE TABLE engine_clock (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  position timestamptz,
  speed double precision NOT NULL DEFAULT 1 CHECK (speed > 0),
  ticked_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  epoch bigint NOT NULL DEFAULT 1,
  guard_store text NOT NULL DEFAULT ''
);
INSERT INTO engine_clock DEFAULT VALUES;

-- Secrets the engine made for itself, encrypted with the installation's key.
CREATE TABLE kept_secrets (
  name text PRIMARY KEY,
  sealed bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

CREATE TABLE provider_accounts (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  provider text NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (tenant_id, provider, name),
  UNIQUE (tenant_id, id)
);

-- Leads ---------------------------------------------------------------------

CREATE TABLE leads (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  company_name text NOT NULL DEFAULT '',
  contact_name text NOT NULL DEFAULT '',
  cui text NOT NULL DEFAULT '',
  caen text NOT NULL DEFAULT '',
  county text NOT NULL DEFAULT '',
  city text NOT NULL DEFAULT '',
  country text NOT NULL DEFAULT '',
  language text NOT NULL DEFAULT '',
  time_zone text NOT NULL DEFAULT '',
  zones text[] NOT NULL DEFAULT '{}',
  email_status text NOT NULL DEFAULT '',
  phone_status text NOT NULL DEFAULT '',
  source text NOT NULL DEFAULT '',
  legal_basis text NOT NULL DEFAULT '',
  tags jsonb NOT NULL DEFAULT '[]',
  custom_fields jsonb NOT NULL DEFAULT '{}',
  import_id uuid,  -- the import that made or last changed it
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  version integer NOT NULL DEFAULT 1,
  UNIQUE (tenant_id, id)
);

-- A contact point, or the company's register id: what one lead is known by.
CREATE TABLE contact_points (
  tenant_id uuid NOT NULL,
  kind text NOT NULL CHECK (kind IN ('phone', 'email', 'cui')),
  value text NOT NULL,
  lead_id uuid NOT NULL,
  rank integer NOT NULL DEFAULT 0,
  facts jsonb NOT NULL DEFAULT '{}',
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, kind, value),
  FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id)
);
-- With the tenant in front: row security asks for it, and before a table's first
-- ANALYZE any index that begins with it would look as good as the right one.
CREATE INDEX contact_points_lead ON contact_points (tenant_id, lead_id, kind, rank);
CREATE INDEX contact_points_domain ON contact_points (tenant_id, split_part(value, '@', 2))
  WHERE kind = 'email';

-- The journey's id is the lead's id: there is one per lead.
CREATE TABLE gold_lead_journey (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  lead_id uuid NOT NULL CHECK (lead_id = id),
  assigned_phone_id uuid,
  assigned_at timestamptz,
  assigned_mailbox_id uuid,
  current_state text NOT NULL DEFAULT 'COLD',
  previous_state text,
  state_changed_at timestamptz,
  state_change_reason text NOT NULL DEFAULT '',
  dead_cause text,
  quota_consumption_date date,
  is_new_contact boolean NOT NULL DEFAULT true,
  first_contact_channel text,
  last_channel_used text,
  preferred_channel text,
  closed_channels text[] NOT NULL DEFAULT '{}',
  email_opted_out boolean NOT NULL DEFAULT false,
  whatsapp_opted_out boolean NOT NULL DEFAULT false,
  opted_out boolean NOT NULL DEFAULT false,
  opted_out_at timestamptz,
  current_sequence_id uuid,
  sequence_step integer,
  sequence_started_at timestamptz,
  sequence_paused boolean NOT NULL DEFAULT false,
  next_action_at timestamptz,
  sentiment_score smallint CHECK (sentiment_score BETWEEN -100 AND 100),
  engagement_score smallint NOT NULL DEFAULT 0 CHECK (engagement_score BETWEEN 0 AND 100),
  reply_count integer NOT NULL DEFAULT 0,
  open_count integer NOT NULL DEFAULT 0,
  click_count integer NOT NULL DEFAULT 0,
  requires_human_review boolean NOT NULL DEFAULT false,
  human_review_reason text,
  human_review_priority text,
  is_human_controlled boolean NOT NULL DEFAULT false,
  assigned_to_user uuid,
  first_contact_at timestamptz,
  last_contact_at timestamptz,
  last_reply_at timestamptz,
  last_open_at timestamptz,
  converted_at timestamptz,
  tags jsonb NOT NULL DEFAULT '[]',
  custom_fields jsonb NOT NULL DEFAULT '{}',
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (tenant_id, lead_id),
  FOREIGN KEY (tenant_id, lead_id) REFERENCES leads (tenant_id, id)
);
CREATE INDEX journey_quota_date ON gold_lead_journey (quota_consumption_date);
CREATE INDEX journey_next_action ON gold_lead_journey (next_action_at)
  WHERE next_action_at IS NOT NULL;

CREATE TABLE transition_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL,
  lead_id uuid NOT NULL,
  state_before text NOT NULL,
  state_after text NOT NULL,
  at timestamptz NOT NULL,
  caused_by text NOT NULL,
  why text NOT NULL,
  anomaly boolean NOT NULL DEFAULT false,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX transition_log_lead ON transition_log (lead_id, id);

-- Sequences -----------------------------------------------------------------

CREATE TABLE outreach_sequences (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  name text NOT NULL,
  description text NOT NULL DEFAULT '',
  is_active boolean NOT NULL DEFAULT true,
  is_default boolean NOT NULL DEFAULT false,
  primary_channel text NOT NULL,
  fallback_channel text,
  respect_business_hours boolean NOT NULL DEFAULT true,
  timezone text,
  stop_on_reply boolean NOT NULL DEFAULT true,
  stop_on_bounce boolean NOT NULL DEFAULT true,
  max_attempts integer NOT NULL DEFAULT 5,
  silence interval NOT NULL,
  total_leads_enrolled integer NOT NULL DEFAULT 0,
  total_completions integer NOT NULL DEFAULT 0,
  total_conversions integer NOT NULL DEFAULT 0,
  avg_response_rate real,
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (tenant_id, name),
  UNIQUE (tenant_id, id)
);

CREATE TABLE outreach_sequence_steps (
  tenant_id uuid NOT NULL,
  sequence_id uuid NOT NULL,
  version integer NOT NULL,
  step_number integer NOT NULL,
  step_id uuid NOT NULL,
  delay_hours integer NOT NULL,
  delay_minutes integer NOT NULL,
  delay_seconds double precision NOT NULL DEFAULT 0,
  channel text,
  template_id uuid,
  template_name text NOT NULL,
  fallback_template_name text,
  skip_if_replied boolean NOT NULL DEFAULT true,
  skip_if_opened boolean NOT NULL DEFAULT false,
  is_ab_test boolean NOT NULL DEFAULT false,
  ab_variant text,
  ab_percentage integer,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (sequence_id, version, step_number),
  FOREIGN KEY (tenant_id, sequence_id) REFERENCES outreach_sequences (tenant_id, id)
);

CREATE TABLE outreach_templates (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  name text NOT NULL,
  description text NOT NULL DEFAULT '',
  channel text NOT NULL,
  subject text NOT NULL DEFAULT '',
  content text NOT NULL,
  variables jsonb NOT NULL DEFAULT '[]',
  language text NOT NULL DEFAULT '',
  version integer NOT NULL DEFAULT 1,
  has_media boolean NOT NULL DEFAULT false,
  media_type text,
  media_url text,
  is_active boolean NOT NULL DEFAULT true,
  is_approved boolean NOT NULL DEFAULT true,
  times_used integer NOT NULL DEFAULT 0,
  avg_open_rate real,
  avg_reply_rate real,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (tenant_id, name),
  UNIQUE (tenant_id, id)
);

CREATE TABLE template_versions (
  tenant_id uuid NOT NULL,
  template_id uuid NOT NULL,
  version_number integer NOT NULL,
  version_label text NOT NULL DEFAULT '',
  subject text NOT NULL DEFAULT '',
  content text NOT NULL,
  weight integer NOT NULL DEFAULT 1,
  times_used integer NOT NULL DEFAULT 0,
  opens integer NOT NULL DEFAULT 0,
  replies integer NOT NULL DEFAULT 0,
  conversions integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (template_id, version_number),
  FOREIGN KEY (tenant_id, template_id) REFERENCES outreach_templates (tenant_id, id)
);

CREATE TABLE campaigns (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  sequence_id uuid NOT NULL,
  name text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (tenant_id, name),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, sequence_id) REFERENCES outreach_sequences (tenant_id, id)
);

CREATE TABLE sequence_enrollments (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  lead_journey_id uuid NOT NULL,
  sequence_id uuid NOT NULL,
  sequence_version integer NOT NULL,
  campaign_id uuid,
  window_key text NOT NULL DEFAULT '',
  window_why text NOT NULL DEFAULT '',
  current_step integer NOT NULL DEFAULT 0,
  total_steps integer NOT NULL,
  status text NOT NULL CHECK (status IN ('ACTIVE', 'PAUSED', 'COMPLETED', 'STOPPED')),
  enrolled_at timestamptz NOT NULL,
  next_step_at timestamptz,
  completed_at timestamptz,
  stopped_at timestamptz,
  stop_reason text NOT NULL DEFAULT '',
  skipped boolean NOT NULL DEFAULT false,  -- looked at, and nothing was planned
  messages_sent integer NOT NULL DEFAULT 0,
  opens integer NOT NULL DEFAULT 0,
  clicks integer NOT NULL DEFAULT 0,
  replies integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (campaign_id, lead_journey_id),
  FOREIGN KEY (tenant_id, lead_journey_id)
    REFERENCES gold_lead_journey (tenant_id, lead_id),
  FOREIGN KEY (tenant_id, sequence_id) REFERENCES outreach_sequences (tenant_id, id),
  FOREIGN KEY (tenant_id, campaign_id) REFERENCES campaigns (tenant_id, id)
);
CREATE UNIQUE INDEX enrollment_one_live ON sequence_enrollments (lead_journey_id)
  WHERE status IN ('ACTIVE', 'PAUSED');
CREATE INDEX enrollment_next_step ON sequence_enrollments (next_step_at)
  WHERE status = 'ACTIVE';
CREATE INDEX enrollment_lead ON sequence_enrollments (lead_journey_id, enrolled_at DESC);

-- Senders -------------------------------------------------------------------

CREATE TABLE wa_phone_numbers (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  account_id uuid NOT NULL,
  phone_number text NOT NULL UNIQUE,  -- over all tenants: it has one lane
  phone_label text NOT NULL DEFAULT '',
  provider text NOT NULL,
  provider_account_ref text NOT NULL DEFAULT '',
  status text NOT NULL DEFAULT 'ACTIVE',
  status_before text NOT NULL DEFAULT 'ACTIVE',
  status_until timestamptz,
  status_changed_at timestamptz,
  status_reason text NOT NULL DEFAULT '',
  last_health_check_at timestamptz,
  last_message_sent_at timestamptz,
  last_message_received_at timestamptz,
  is_online boolean NOT NULL DEFAULT true,
  daily_quota_limit integer NOT NULL DEFAULT 200
    CHECK (daily_quota_limit BETWEEN 0 AND 200),
  warm_up_began date,
  warm_up_days integer NOT NULL DEFAULT 0,
  warm_up_start integer NOT NULL DEFAULT 15,
  gap interval NOT NULL DEFAULT '30 seconds',
  jitter interval NOT NULL DEFAULT '120 seconds',
  time_zone text NOT NULL,
  total_messages_sent integer NOT NULL DEFAULT 0,
  total_leads_assigned integer NOT NULL DEFAULT 0,
  total_conversations integer NOT NULL DEFAULT 0,
  is_enabled boolean NOT NULL DEFAULT true,
  priority integer NOT NULL DEFAULT 1,
  reputation smallint NOT NULL DEFAULT 50 CHECK (reputation BETWEEN 0 AND 100),
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (tenant_id, phone_number),
  UNIQUE (account_id, phone_number),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, account_id) REFERENCES provider_accounts (tenant_id, id)
);
CREATE UNIQUE INDEX wa_phone_account_ref
  ON wa_phone_numbers (account_id, provider_account_ref)
  WHERE provider_account_ref <> '';

CREATE TABLE sender_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL,
  sender_id uuid NOT NULL,
  state_before text NOT NULL,
  state_after text NOT NULL,
  at timestamptz NOT NULL,
  caused_by text NOT NULL,
  why text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);

-- The unit row of a phone and its day. Facts raise external_new without bound;
-- what we take ourselves is bounded here, whatever any program believes.
CREATE TABLE wa_quota_usage (
  tenant_id uuid NOT NULL,
  phone_id uuid NOT NULL,
  usage_date date NOT NULL,
  used integer NOT NULL DEFAULT 0 CHECK (used >= 0),
  hard_limit integer NOT NULL DEFAULT 200 CHECK (hard_limit <= 200),
  new_contacts_sent integer NOT NULL DEFAULT 0,
  followups_sent integer NOT NULL DEFAULT 0,
  total_sent integer GENERATED ALWAYS AS (new_contacts_sent + followups_sent) STORED,
  external_new integer NOT NULL DEFAULT 0,
  quota_limit integer NOT NULL,
  quota_remaining integer
    GENERATED ALWAYS AS (greatest(0, quota_limit - used - external_new)) STORED,
  first_message_at timestamptz,
  last_message_at timestamptz,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (phone_id, usage_date),
  FOREIGN KEY (tenant_id, phone_id) REFERENCES wa_phone_numbers (tenant_id, id),
  CHECK (used <= hard_limit)
);

-- Who has written to whom; the provider's name of the conversation.
CREATE TABLE conversations (
  tenant_id uuid NOT NULL REFERENCES tenants,
  sender_id uuid NOT NULL,
  lead_id uuid NOT NULL,
  thread text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (sender_id, lead_id)
);
CREATE INDEX conversations_thread ON conversations (sender_id, thread) WHERE thread <> '';
CREATE INDEX conversations_lead ON conversations (lead_id);

-- Lanes: ids and times only, no row security. ---------------------------------

CREATE TABLE lanes (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  account_id uuid NOT NULL,
  token bigint NOT NULL DEFAULT 0,
  owner text,
  lease_until timestamptz,
  calling uuid,
  call_deadline timestamptz,
  gate_at timestamptz NOT NULL DEFAULT '-infinity',
  backoff_until timestamptz,
  backoffs integer NOT NULL DEFAULT 0,
  new_gate_at timestamptz NOT NULL DEFAULT '-infinity',
  new_shut boolean NOT NULL DEFAULT false,
  shut boolean NOT NULL DEFAULT false,
  last_was_new boolean NOT NULL DEFAULT false,
  wake_at timestamptz
) WITH (fillfactor = 50);
CREATE INDEX lanes_wake ON lanes (wake_at) WHERE wake_at IS NOT NULL;
CREATE INDEX lanes_leased ON lanes (lease_until) WHERE owner IS NOT NULL AND calling IS NULL;
CREATE INDEX lanes_calling ON lanes (call_deadline) WHERE calling IS NOT NULL;

CREATE TABLE lane_windows (
  lane_id uuid NOT NULL REFERENCES lanes,
  window_key text NOT NULL,
  opens_at timestamptz NOT NULL DEFAULT '-infinity',
  PRIMARY KEY (lane_id, window_key)
);

-- Everything periodic, and the looks at attempts whose outcome is not known.
CREATE TABLE duties (
  kind text NOT NULL,
  key text NOT NULL,
  tenant_id uuid NOT NULL,
  due_at timestamptz NOT NULL,
  owner text,
  lease_until timestamptz,
  taken_at timestamptz,  -- engine time: names the taking that a worker ends
  again_at timestamptz,  -- put while it was being done
  PRIMARY KEY (kind, key)
) WITH (fillfactor = 70);
CREATE INDEX duties_due ON duties (due_at);

-- Messages ------------------------------------------------------------------

CREATE TABLE send_windows (
  tenant_id uuid NOT NULL REFERENCES tenants,
  key text NOT NULL,
  zones text[] NOT NULL,
  country text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, key)
);

CREATE TABLE intents (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  lead_id uuid NOT NULL,
  enrollment_id uuid REFERENCES sequence_enrollments,
  step_id uuid,
  step_number integer NOT NULL DEFAULT 0,
  review_id uuid,
  send_class smallint NOT NULL CHECK (send_class BETWEEN 0 AND 3),
  channel text NOT NULL,
  lane_id uuid,
  window_key text NOT NULL DEFAULT '',
  due_at timestamptz NOT NULL,
  status text NOT NULL DEFAULT 'WAITING'
    CHECK (status IN ('WAITING', 'HELD', 'OPEN', 'DONE', 'CANCELLED')),
  status_reason text NOT NULL DEFAULT '',
  cancel_reason text NOT NULL DEFAULT '',  -- asked for while a call was under way
  body text NOT NULL DEFAULT '',
  permission text NOT NULL DEFAULT '',
  attempts integer NOT NULL DEFAULT 0,
  last_n integer NOT NULL DEFAULT 0,
  last_reason text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  FOREIGN KEY (tenant_id, lead_id) REFERENCES gold_lead_journey (tenant_id, lead_id)
) WITH (fillfactor = 80);
CREATE INDEX intents_lane ON intents (lane_id, window_key, send_class, due_at)
  WHERE status = 'WAITING' AND lane_id IS NOT NULL;
CREATE INDEX intents_unallocated ON intents (tenant_id, due_at, id)
  WHERE status = 'WAITING' AND lane_id IS NULL;
CREATE INDEX intents_waiting ON intents (id) INCLUDE (tenant_id, send_class)
  WHERE status IN ('WAITING', 'HELD');
CREATE INDEX intents_lead ON intents (tenant_id, lead_id)
  WHERE status IN ('WAITING', 'HELD', 'OPEN');
CREATE INDEX intents_enrollment ON intents (tenant_id, enrollment_id);

-- INV-1 as a constraint: one attempt per intent that may have reached a person.
CREATE TABLE attempts (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  intent_id uuid NOT NULL REFERENCES intents,
  n integer NOT NULL,
  lead_id uuid NOT NULL,
  channel text NOT NULL,
  account_id uuid NOT NULL,
  sender_id uuid NOT NULL,
  token bigint NOT NULL,
  send_class smallint NOT NULL,
  payload_hash text NOT NULL,
  outcome text NOT NULL CHECK (outcome IN ('CALLING', 'ACCEPTED', 'REFUSED',
    'RELEASED', 'UNKNOWN', 'NOT_SENT', 'ABANDONED')),
  unit_day date,
  unit_held boolean NOT NULL DEFAULT false,
  aftermath jsonb,
  moved_from text,
  next_intent uuid,
  called_at timestamptz NOT NULL,
  called_on timestamptz NOT NULL DEFAULT clock_timestamp(),
  settled_at timestamptz,
  external_ref text,
  thread text NOT NULL DEFAULT '',
  detail text NOT NULL DEFAULT '',
  evidence boolean NOT NULL DEFAULT false,  -- an event told of it before its call ended
  looks integer NOT NULL DEFAULT 0,
  give_up_at timestamptz,
  ask_at timestamptz,
  UNIQUE (intent_id, n)
) WITH (fillfactor = 80);
CREATE UNIQUE INDEX attempts_one_live ON attempts (intent_id)
  WHERE outcome IN ('CALLING', 'ACCEPTED', 'UNKNOWN', 'ABANDONED');
CREATE INDEX attempts_units ON attempts (sender_id, unit_day) WHERE unit_held;
CREATE UNIQUE INDEX attempts_ref ON attempts (account_id, external_ref)
  WHERE external_ref IS NOT NULL;
CREATE INDEX attempts_hash ON attempts (payload_hash);
CREATE INDEX attempts_lead ON attempts (lead_id);
CREATE INDEX attempts_doubt ON attempts (tenant_id)
  WHERE outcome IN ('UNKNOWN', 'ABANDONED');
CREATE INDEX attempts_poll ON attempts (account_id, ask_at NULLS FIRST, called_at)
  WHERE outcome = 'ACCEPTED' AND ask_at IS DISTINCT FROM 'infinity';

CREATE TABLE gold_communication_log (
  id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  tenant_id uuid NOT NULL,
  lead_journey_id uuid NOT NULL,
  intent_id uuid,
  external_message_id text,
  thread_id text,
  channel text NOT NULL,
  direction text NOT NULL CHECK (direction IN ('OUTBOUND', 'INBOUND')),
  template_id uuid,
  template_version_id uuid,
  content text,
  content_rendered text,
  variant_hash text,
  subject text,
  recipient text,
  request_thread text NOT NULL DEFAULT '',
  status text NOT NULL,
  status_updated_at timestamptz,
  sent_at timestamptz,
  delivered_at timestamptz,
  read_at timestamptz,
  replied_at timestamptz,
  bounced_at timestamptz,
  bounce_reason text,
  bounce_class text,
  opened_at timestamptz,
  clicked_at timestamptz,
  click_url text,
  unsubscribed_at timestamptz,
  phone_id uuid,
  phone_number text,
  mailbox_id uuid,
  sequence_id uuid,
  sequence_step integer,
  sentiment_score smallint,
  sentiment_analyzed_at timestamptz,
  intent_classification text,
  quota_cost smallint NOT NULL DEFAULT 0,
  raw_request jsonb,
  raw_response jsonb,
  webhook_payload jsonb,
  error_message text,
  retry_count integer NOT NULL DEFAULT 0,
  created_by text NOT NULL DEFAULT 'engine',
  PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
CREATE INDEX communication_log_lead ON gold_communication_log (lead_journey_id, created_at);
CREATE TABLE gold_communication_log_default PARTITION OF gold_communication_log DEFAULT;

-- What comes in ---------------------------------------------------------------

-- The key of every event ever taken in, and the queue of those not applied yet.
-- Ids, hashes and times only: no row security.
CREATE TABLE event_keys (
  id uuid PRIMARY KEY,
  provider text NOT NULL,
  account text NOT NULL,
  key text NOT NULL,
  type text NOT NULL,
  address_hash bigint,
  received_at timestamptz NOT NULL,
  status text NOT NULL DEFAULT 'WAITING'
    CHECK (status IN ('WAITING', 'APPLIED', 'CLOSED', 'PARKED')),
  due_at timestamptz NOT NULL,
  tries integer NOT NULL DEFAULT 0,
  owner text,
  lease_until timestamptz,
  why text NOT NULL DEFAULT '',
  tenant_id uuid,
  lead_id uuid,
  UNIQUE (provider, account, key)
) WITH (fillfactor = 80);
CREATE INDEX event_keys_due ON event_keys (due_at)
  WHERE status IN ('WAITING', 'PARKED') AND due_at < 'infinity';
CREATE INDEX event_keys_oldest ON event_keys (received_at) WHERE status = 'WAITING';
CREATE INDEX event_keys_address ON event_keys (address_hash)
  WHERE status IN ('WAITING', 'PARKED') AND due_at < 'infinity';

-- How many events of each type came in, one row per writer that met another.
CREATE TABLE event_counts (
  provider text NOT NULL,
  account text NOT NULL,
  type text NOT NULL,
  stripe smallint NOT NULL,
  times bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (provider, account, type, stripe)
) WITH (fillfactor = 50);

CREATE TABLE raw_events (
  id uuid NOT NULL,
  received_at timestamptz NOT NULL,
  tenant_id uuid,
  raw bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (id, received_at)
) PARTITION BY RANGE (received_at);
CREATE TABLE raw_events_default PARTITION OF raw_events DEFAULT;

-- Commands and events that were committed to a lead.
CREATE TABLE applied_changes (
  tenant_id uuid NOT NULL REFERENCES tenants,
  key text NOT NULL,
  at timestamptz NOT NULL,
  PRIMARY KEY (tenant_id, key)
);

-- Stops -----------------------------------------------------------------------

CREATE TABLE suppressions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid REFERENCES tenants,
  kind text NOT NULL CHECK (kind IN ('phone', 'email', 'domain')),
  value text NOT NULL,
  reason text NOT NULL,
  caused_by text NOT NULL,
  at timestamptz NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE NULLS NOT DISTINCT (tenant_id, kind, value)
);
CREATE INDEX suppressions_key ON suppressions (kind, value);

CREATE TABLE switches (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid REFERENCES tenants,
  scope text NOT NULL CHECK (scope IN ('ALL', 'TENANT', 'CHANNEL', 'SENDER')),
  covers text NOT NULL DEFAULT '',
  reason text NOT NULL,
  thrown_by text NOT NULL,
  thrown_at timestamptz NOT NULL,
  lifted_by text,
  lifted_at timestamptz,
  lifted_why text,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE UNIQUE INDEX switches_thrown ON switches (tenant_id, scope, covers)
  NULLS NOT DISTINCT WHERE lifted_at IS NULL;

-- People ----------------------------------------------------------------------

CREATE TABLE human_review_queue (
  id uuid PRIMARY KEY,
  tenant_id uuid NOT NULL,
  lead_journey_id uuid NOT NULL,
  communication_id uuid,
  reason text NOT NULL,
  priority text NOT NULL CHECK (priority IN ('LOW', 'MEDIUM', 'HIGH', 'URGENT')),
  trigger_content text NOT NULL DEFAULT '',
  ai_analysis jsonb,
  suggested_response text,
  confidence_score real,
  fingerprint text NOT NULL DEFAULT '',
  assigned_to uuid,
  assigned_at timestamptz,
  claimed_by text,
  claimed_until timestamptz,
  status text NOT NULL,
  snoozed_until timestamptz,
  resolved_at timestamptz,
  resolved_by text,
  resolution_action text,
  resolution_notes text NOT NULL DEFAULT '',
  response_sent text,
  escalated_to uuid,
  escalated_at timestamptz,
  sla_due_at timestamptz NOT NULL,
  sla_breached boolean NOT NULL DEFAULT false,
  doc jsonb NOT NULL DEFAULT '{}',
  version integer NOT NULL DEFAULT 1,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  UNIQUE (tenant_id, id),
  FOREIGN KEY (tenant_id, lead_journey_id)
    REFERENCES gold_lead_journey (tenant_id, lead_id)
);
CREATE INDEX review_priority ON human_review_queue (tenant_id, priority);
CREATE INDEX review_sla ON human_review_queue (sla_due_at) WHERE status <> 'RESOLVED';
CREATE UNIQUE INDEX review_one_open ON human_review_queue (lead_journey_id)
  WHERE status <> 'RESOLVED';

CREATE TABLE hitl_audit_log (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL,
  review_id uuid NOT NULL,
  action text NOT NULL,
  performed_by text NOT NULL,
  performed_at timestamptz NOT NULL,
  previous_state text,
  new_state text,
  notes text NOT NULL DEFAULT '',
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  FOREIGN KEY (tenant_id, review_id) REFERENCES human_review_queue (tenant_id, id)
);
CREATE INDEX hitl_audit_review ON hitl_audit_log (review_id, id);

-- What was decided --------------------------------------------------------------

CREATE TABLE decisions (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  tenant_id uuid NOT NULL REFERENCES tenants,
  lead_id uuid NOT NULL,
  intent_id uuid NOT NULL,
  attempt_id uuid,
  at timestamptz NOT NULL,
  verdict text NOT NULL,
  binding text NOT NULL,
  outcome text NOT NULL DEFAULT '',  -- why T1 refused what was decided
  doc jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
CREATE INDEX decisions_lead ON decisions (lead_id, id);

-- Incremental counters, so that no page aggregates over the log. In stripes, so
-- that two writers seldom wait for each other.
CREATE TABLE tallies (
  tenant_id uuid NOT NULL REFERENCES tenants,
  kind text NOT NULL,
  name text NOT NULL,
  stripe smallint NOT NULL,
  times bigint NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, kind, name, stripe)
) WITH (fillfactor = 50);

CREATE TABLE outreach_daily_stats (
  tenant_id uuid NOT NULL REFERENCES tenants,
  stat_date date NOT NULL,
  wa_new_contacts_sent integer NOT NULL DEFAULT 0,
  wa_followups_sent integer NOT NULL DEFAULT 0,
  wa_replies_received integer NOT NULL DEFAULT 0,
  wa_quota_used integer NOT NULL DEFAULT 0,
  wa_quota_remaining integer NOT NULL DEFAULT 0,
  email_cold_sent integer NOT NULL DEFAULT 0,
  email_cold_opens integer NOT NULL DEFAULT 0,
  email_cold_clicks integer NOT NULL DEFAULT 0,
  email_cold_replies integer NOT NULL DEFAULT 0,
  email_cold_bounces integer NOT NULL DEFAULT 0,
  email_cold_bounce_rate real NOT NULL DEFAULT 0,
  email_warm_sent integer NOT NULL DEFAULT 0,
  email_warm_opens integer NOT NULL DEFAULT 0,
  leads_contacted integer NOT NULL DEFAULT 0,
  leads_replied integer NOT NULL DEFAULT 0,
  leads_converted integer NOT NULL DEFAULT 0,
  reviews_created integer NOT NULL DEFAULT 0,
  reviews_resolved integer NOT NULL DEFAULT 0,
  avg_review_time_minutes real,
  avg_sentiment_score real,
  positive_replies integer NOT NULL DEFAULT 0,
  negative_replies integer NOT NULL DEFAULT 0,
  neutral_replies integer NOT NULL DEFAULT 0,
  created_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, stat_date)
);
