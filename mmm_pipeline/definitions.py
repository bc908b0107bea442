"""What Dagster loads: the pipeline of the home folder that the environment names."""

from __future__ import annotations

from mmm_pipeline.orchestration.definitions import build_definitions
from mmm_pipeline.storage.home import find_config, home_from_environment

__all__ = ["defs"]

_home = home_from_environment()
defs = build_definitions(_home, find_config(_home))
