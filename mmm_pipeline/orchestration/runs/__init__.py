"""Runs: partitions, pools, locks between runs, progress."""
