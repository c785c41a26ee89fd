-- Which database this is, and how far it has come: a copy of the second is kept
-- outside, so that a database that was restored or cloned is known as one.

CREATE TABLE instance (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  lineage uuid NOT NULL DEFAULT gen_random_uuid(),
  position bigint NOT NULL DEFAULT 0,
  moved_on timestamptz NOT NULL DEFAULT clock_timestamp(),
  system_id bigint NOT NULL,
  database_id oid NOT NULL,
  held_on timestamptz,
  held_why text NOT NULL DEFAULT ''
);

-- Every hold and how it ended.
CREATE TABLE restores (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  held_on timestamptz NOT NULL,
  why text NOT NULL,
  stands_on timestamptz NOT NULL,
  position bigint NOT NULL,
  seen bigint,
  calls integer NOT NULL,
  reason text NOT NULL,
  confirmed_by text NOT NULL,
  confirmed_on timestamptz NOT NULL DEFAULT clock_timestamp()
);

DO $$
BEGIN
  EXECUTE 'GRANT SELECT, INSERT, UPDATE ON instance TO outreach_worker, outreach_web';
  EXECUTE 'GRANT SELECT, INSERT ON restores TO outreach_worker, outreach_web';
  EXECUTE format('GRANT USAGE ON ALL SEQUENCES IN SCHEMA %I
                  TO outreach_worker, outreach_web', current_schema());
END
$$;
