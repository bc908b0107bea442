"""The pipeline as Dagster sees it: assets, checks, resources, jobs."""
