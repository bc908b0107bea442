"""Other MMM libraries as second opinions, each in its own environment, speaking JSON (docs/engines.md)."""
