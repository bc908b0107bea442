"""A fit as ArviZ groups that netCDF can hold: numbers in arrays, everything else as JSON text. No pickle."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.data.inputs import FitData, PanelData
from mmm_pipeline.mmm.inference.diagnostics import Attempt, Convergence
from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.mmm.priors.media import SPEND_SHARE
from mmm_pipeline.mmm.reasons import Reason
from mmm_pipeline.mmm.specs import FeatureSign, MediaPrior, ModelSpec, Priors, RoiPrior

__all__ = ["StoredFit", "restored", "stored"]

_FORMAT = 2
"""Version of the layout; raised when an older reader could misread it."""

_GROUP = "constant_data"
_DIMENSIONS: dict[str, tuple[str, ...]] = {
    "media": ("time", "channel"),
    "kpi": ("time",),
    "feature_values": ("time", "feature"),
    "media_scale": ("channel",),
    "kpi_scale": (),
    "feature_scale": ("feature",),
    "spend": ("time", "channel"),
}


class StoredFit(NamedTuple):
    """The parts of a `Fit`."""

    spec: ModelSpec
    data: FitData | PanelData
    inference: az.InferenceData
    convergence: Convergence
    attempts: tuple[Attempt, ...]
    seconds: float


def stored(fit: StoredFit) -> az.InferenceData:
    """The fit's groups with the window in `constant_data` and the rest in that group's attributes."""
    data, windows = fit.data, fit.data.windows
    coords: dict[str, Any] = {
        "time": data.dates.astype("datetime64[ns]"),
        "channel": np.asarray(data.channels, dtype=object),
    }
    # netCDF has no use for a dimension of length 0.
    dimensions = {name: dims for name, dims in _DIMENSIONS.items() if "feature" not in dims or data.features}
    if data.features:
        coords["feature"] = np.asarray(data.features, dtype=object)
    description = {
        "spec": dataclasses.asdict(fit.spec),
        "events": data.events,
        "convergence": dataclasses.asdict(fit.convergence),
        "attempts": [dataclasses.asdict(attempt) for attempt in fit.attempts],
        "seconds": fit.seconds,
    }
    variables: dict[str, Any] = {}
    for name, dims in dimensions.items():
        values = np.stack([np.asarray(getattr(window, name)) for window in windows])
        variables[name] = (("market", *dims), values) if data.markets else (dims, values[0])
    if data.markets:
        coords["market"] = np.asarray(data.markets, dtype=object)
    constant = xr.Dataset(variables, coords=coords, attrs={"mmm_format": _FORMAT, "mmm_fit": json.dumps(description)})
    groups: dict[str, Any] = {name: fit.inference[name] for name in fit.inference.groups() if name != _GROUP}
    return az.InferenceData(**groups, constant_data=constant)


def _reason(stored: str | dict[str, Any]) -> Reason:
    """A missed threshold; fits of earlier versions have a sentence."""
    return Reason("other", {"text": stored}) if isinstance(stored, str) else Reason(**stored)


def restored(idata: az.InferenceData) -> StoredFit:
    """The fit that `stored` wrote down.

    Raises:
        StoredResultError: a group or attribute is missing, damaged or of another version.
    """
    try:
        constant = idata[_GROUP]
        version = int(constant.attrs["mmm_format"])
        if version != _FORMAT:
            raise StoredResultError(
                f"the stored fit has format {version}, this version reads {_FORMAT}: fit the model again"
            )
        description = json.loads(constant.attrs["mmm_fit"])
        convergence = description["convergence"]
        groups: dict[str, Any] = {name: idata[name] for name in idata.groups() if name != _GROUP}
        return StoredFit(
            spec=_spec(description["spec"]),
            data=_data(constant, tuple(description["events"])),
            inference=az.InferenceData(**groups),
            convergence=Convergence(**{**convergence, "failures": tuple(map(_reason, convergence["failures"]))}),
            attempts=tuple(Attempt(**attempt) for attempt in description["attempts"]),
            seconds=description["seconds"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoredResultError(f"the stored fit is damaged ({error!r}): fit the model again") from error


def _spec(described: dict[str, Any]) -> ModelSpec:
    if described["adstock"] not in MEDIA_TRANSFORMS:
        raise StoredResultError(
            f"the stored fit has the media transform {described['adstock']!r}, this version has "
            f"{', '.join(MEDIA_TRANSFORMS)}: fit the model again"
        )
    parts = {
        "priors": Priors(**described["priors"]),
        # Fits of before there was a choice have none.
        "media_prior": MediaPrior(**described["media_prior"]) if "media_prior" in described else SPEND_SHARE,
        "roi_priors": tuple(RoiPrior(**prior) for prior in described["roi_priors"]),
        "feature_signs": tuple(FeatureSign(**sign) for sign in described["feature_signs"]),
    }
    return ModelSpec(**{**described, **parts})


def _data(constant: xr.Dataset, events: tuple[str, ...]) -> FitData | PanelData:
    if "market" not in constant.dims:
        return _window(constant, events)
    markets = tuple(str(name) for name in constant["market"].to_numpy())
    return PanelData(markets, tuple(_window(constant.sel(market=name, drop=True), events) for name in markets))


def _window(constant: xr.Dataset, events: tuple[str, ...]) -> FitData:
    days = constant.sizes["time"]
    features = tuple(str(name) for name in constant["feature"].to_numpy()) if "feature" in constant.coords else ()
    return FitData(
        dates=constant["time"].to_numpy().astype("datetime64[D]"),
        channels=tuple(str(name) for name in constant["channel"].to_numpy()),
        features=features,
        media=constant["media"].to_numpy(),
        kpi=constant["kpi"].to_numpy(),
        feature_values=constant["feature_values"].to_numpy() if features else np.zeros((days, 0)),
        media_scale=constant["media_scale"].to_numpy(),
        kpi_scale=float(constant["kpi_scale"]),
        feature_scale=constant["feature_scale"].to_numpy() if features else np.zeros(0),
        spend=constant["spend"].to_numpy(),
        events=events,
    )
