"""What is allowed but should be known before a model is fitted on it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from mmm_pipeline.settings.kpi import read_kpi
from mmm_pipeline.settings.pipeline import Settings

if TYPE_CHECKING:
    import xarray as xr

__all__ = ["input_warnings"]


def input_warnings(dataset: xr.Dataset, excluded: pd.DataFrame, settings: Settings) -> list[str]:
    """One sentence per thing to know, each with what to do about it.

    Args:
        dataset: of `build_model_inputs`.
        excluded: the table `excluded_channels`.
        settings: the sections `model` and `priors` count.
    """
    train = dataset.isel(
        time=np.flatnonzero(dataset["time"].to_numpy() < np.datetime64(dataset.attrs["holdout_start"]))
    )
    return [
        *_kpi(dataset, settings),
        *_seasonality(train.sizes["time"], settings),
        *_unused_beliefs(excluded, settings),
        *_unseen_events(train),
    ]


def _kpi(dataset: xr.Dataset, settings: Settings) -> Iterator[str]:
    reading = read_kpi(
        settings.columns.kpi, settings.kpi.kind, float(dataset["kpi"].sum()), float(dataset["spend"].sum())
    )
    if reading.doubt:
        yield reading.doubt


def _seasonality(days: int, settings: Settings) -> Iterator[str]:
    period, asked = settings.model.seasonality_period_days, [d for d in settings.model.degrees if d > 0]
    if asked and days < period:
        listed = ", ".join(map(str, asked))
        yield (
            f"the {days} train days span less than one season of {period:g} days, so that the Fourier terms of degrees "
            f"{listed} cannot be separated from the trend: add 0 to model.degrees for specs without them"
        )


def _unused_beliefs(excluded: pd.DataFrame, settings: Settings) -> Iterator[str]:
    left_out = set(map(str, excluded["channel"]))
    for channel in sorted(left_out & set(settings.priors.beliefs())):
        yield f"the belief on the ROI of {channel!r} (priors.roi, priors.lift_tests) is not used: it is excluded"


def _unseen_events(train: xr.Dataset) -> Iterator[str]:
    if "is_event" not in train.coords:
        return
    events = train.isel(feature=np.flatnonzero(train["is_event"].to_numpy()))
    for name in events["feature"].to_numpy()[~events["feature_values"].to_numpy().any(axis=0)]:
        yield f"the event {str(name)!r} has no day in the train window: its effect stays what the prior says"
