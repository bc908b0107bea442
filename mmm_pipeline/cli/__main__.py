"""`python -m mmm_pipeline.cli`: the `mmm` command."""

from mmm_pipeline.cli.main import app

app()
