"""What Dagster loads: the pipeline of the home folder that the environment names."""

from __future__ import annotations

from mmm_pipeline.mmm.inference.xla import prepare_jax
from mmm_pipeline.orchestration.headless import build_definitions
from mmm_pipeline.storage.home import find_config, home_from_environment

__all__ = ["defs"]

prepare_jax()
_home = home_from_environment()
defs = build_definitions(_home, find_config(_home))
