"""The files in deploy/, the Dockerfile, and PostgreSQL as Dagster's storage."""
