"""Everything that needs a PostgreSQL server."""
