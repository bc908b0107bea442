"""What `mmm ui` starts: Dagster's webserver behind a guard, its daemon, and the code server."""
