-- How far our own mailboxes were read. Of a mail that is none of our business nothing is
-- kept but that reading has passed it.

CREATE TABLE mailbox_places (
  tenant_id uuid NOT NULL REFERENCES tenants,
  mailbox text NOT NULL,
  folder text NOT NULL CHECK (folder IN ('received', 'sent')),
  -- the server's numbering of the folder (UIDVALIDITY), and the last mail read (UID)
  numbering bigint NOT NULL,
  number bigint NOT NULL,
  moved_on timestamptz NOT NULL DEFAULT clock_timestamp(),
  PRIMARY KEY (tenant_id, mailbox, folder)
) WITH (fillfactor = 70);
ALTER TABLE mailbox_places ENABLE ROW LEVEL SECURITY;
ALTER TABLE mailbox_places FORCE ROW LEVEL SECURITY;
CREATE POLICY tenant ON mailbox_places USING (tenant_id = current_tenant())
  WITH CHECK (tenant_id = current_tenant());
GRANT SELECT, INSERT, UPDATE ON mailbox_places TO outreach_worker, outreach_web;
