"""Merging an export into a campaign table."""
