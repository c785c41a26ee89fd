-- Tenants and provider accounts take turns: the lane of each that is due first.

CREATE INDEX lanes_turn ON lanes (tenant_id, account_id, wake_at)
  WHERE wake_at IS NOT NULL;

-- Looks at unknown outcomes are taken apart from all other duties.
CREATE INDEX duties_look ON duties (due_at) WHERE kind = 'LOOK';
