-- Which functions a database has: they are replaced as a whole when they change.

CREATE TABLE function_set (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  digest text NOT NULL,
  made_at timestamptz NOT NULL DEFAULT clock_timestamp()
);
GRANT SELECT ON function_set TO outreach_worker, outreach_web;
