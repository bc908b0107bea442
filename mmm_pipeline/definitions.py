"""What Dagster loads: the pipeline of the home folder that the environment names."""

from __future__ import annotations

import dagster as dg

from mmm_pipeline.errors import MmmError
from mmm_pipeline.mmm.inference.xla import prepare_jax
from mmm_pipeline.orchestration.headless import build_definitions
from mmm_pipeline.storage.home import home_from_environment
from mmm_pipeline.storage.settings_in_force import find_config

__all__ = ["defs"]


def _defined() -> dg.Definitions:
    """A mistake in the settings is told by every run and in the log; it does not take the assets out of the UI."""
    home = home_from_environment()
    try:
        return build_definitions(home, find_config(home))
    except MmmError as error:
        dg.get_dagster_logger("mmm_pipeline").error(f"the settings cannot be used, so every run will fail: {error}")
        return build_definitions(home, None, problem=str(error))


prepare_jax()
defs = _defined()
