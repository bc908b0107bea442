"""What a person asks for outside the graph; needs no Dagster."""
