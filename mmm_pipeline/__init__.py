"""Marketing mix modelling as a Dagster pipeline."""
