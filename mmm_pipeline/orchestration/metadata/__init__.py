"""What the Dagster UI shows of an asset."""
