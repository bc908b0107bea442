"""Simulated markets with known truth."""
