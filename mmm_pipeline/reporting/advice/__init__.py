"""Suggested changes of pipeline.yaml."""
