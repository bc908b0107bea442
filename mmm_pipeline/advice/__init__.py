"""Suggested changes of `pipeline.yaml`: which are allowed, which rules make them, how they are written."""
