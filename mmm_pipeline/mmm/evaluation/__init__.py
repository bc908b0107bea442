"""Scores, rankings, drift, backtests, model checks."""
