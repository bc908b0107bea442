"""The `mmm` command, one module per group of commands."""
