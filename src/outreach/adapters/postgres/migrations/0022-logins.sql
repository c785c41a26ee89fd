-- What mailboxes of our own sign in with, sealed with the installation's keys.
CREATE TABLE mailbox_logins (
  sender_id uuid PRIMARY KEY REFERENCES senders,
  tenant_id uuid NOT NULL REFERENCES tenants,
  sealed bytea NOT NULL,
  updated_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
ALTER TABLE mailbox_logins ENABLE ROW LEVEL SECURITY;
ALTER TABLE mailbox_logins FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON mailbox_logins USING (tenant_id = current_tenant())
  WITH CHECK (tenant_id = current_tenant());
GRANT SELECT, INSERT, UPDATE ON mailbox_logins TO outreach_worker;
