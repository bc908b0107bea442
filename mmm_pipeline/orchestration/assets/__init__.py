"""One Dagster asset per stage."""
