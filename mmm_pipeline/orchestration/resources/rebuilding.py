"""What rebuilds the decisions of an earlier date: handed to the asset, which cannot know who builds the pipeline."""

from __future__ import annotations

import dagster as dg

from mmm_pipeline.operations.backtest import Rebuild

__all__ = ["RebuildResource"]

RebuildResource = dg.ResourceParam[Rebuild]
"""The type of an asset's argument `rebuild`."""
