"""A fit as ArviZ groups that netCDF can hold: numbers in arrays, everything else as JSON text. No pickle."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, NamedTuple

import xarray as xr

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.mmm._arviz import az
from mmm_pipeline.mmm.data.model_data import ModelData
from mmm_pipeline.mmm.inference.diagnostics import Attempt, Convergence
from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.mmm.priors.media import SPEND_SHARE
from mmm_pipeline.mmm.reasons import Reason
from mmm_pipeline.mmm.specs import FeatureSign, MediaPrior, ModelSpec, Priors, RoiPrior

__all__ = ["StoredFit", "restored", "stored", "stored_spec"]

_FORMAT = 2
"""Version of the layout; raised when an older reader could misread it."""

_GROUP = "constant_data"


class StoredFit(NamedTuple):
    """The parts of a `Fit`."""

    spec: ModelSpec
    data: ModelData
    inference: az.InferenceData
    convergence: Convergence
    attempts: tuple[Attempt, ...]
    seconds: float


def stored(fit: StoredFit) -> az.InferenceData:
    """The fit's groups with the window in `constant_data` and the rest in that group's attributes."""
    description = {
        "spec": dataclasses.asdict(fit.spec),
        "events": fit.data.events,
        "convergence": dataclasses.asdict(fit.convergence),
        "attempts": [dataclasses.asdict(attempt) for attempt in fit.attempts],
        "seconds": fit.seconds,
    }
    constant = fit.data.to_dataset().assign_attrs(mmm_format=_FORMAT, mmm_fit=json.dumps(description))
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
            data=ModelData.from_dataset(constant, events=tuple(description["events"])),
            inference=az.InferenceData(**groups),
            convergence=Convergence(**{**convergence, "failures": tuple(map(_reason, convergence["failures"]))}),
            attempts=tuple(Attempt(**attempt) for attempt in description["attempts"]),
            seconds=description["seconds"],
        )
    except (KeyError, TypeError, ValueError) as error:
        raise StoredResultError(f"the stored fit is damaged ({error!r}): fit the model again") from error


def stored_spec(constant: xr.Dataset) -> ModelSpec:
    """The model of a stored fit, from its group `constant_data` alone.

    Raises:
        StoredResultError: the group is damaged, or of a model that this version does not have.
    """
    try:
        return _spec(json.loads(constant.attrs["mmm_fit"])["spec"])
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
