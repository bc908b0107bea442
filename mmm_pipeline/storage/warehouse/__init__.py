"""Stored tables: DuckDB in the home, or BigQuery."""
