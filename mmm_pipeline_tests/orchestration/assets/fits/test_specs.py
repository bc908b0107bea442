"""Which stored fits can be used again."""

from __future__ import annotations

import dataclasses
import datetime as dt

import numpy as np
import pytest

from mmm_pipeline.mmm.data.model_data import ALL_MARKETS, ModelData
from mmm_pipeline.mmm.data.time_grid import Step, TimeGrid
from mmm_pipeline.mmm.priors.media import SPEND_SHARE
from mmm_pipeline.mmm.specs import FeatureSign, MediaPrior, ModelSpec, RoiPrior
from mmm_pipeline.orchestration.assets.fits.specs import fit_fingerprint, model_spec, told_prior_change
from mmm_pipeline.settings.pipeline import Settings

_DAYS = np.arange(10, dtype=float)
_SPEC = ModelSpec(
    "carryover",
    2,
    roi_priors=(RoiPrior("channel 1", 2.0, 0.7),),
    feature_signs=(FeatureSign("feature 0", "negative"),),
)
_DATA = ModelData(
    markets=(ALL_MARKETS,),
    grid=TimeGrid(dt.date(2025, 1, 6), Step.DAY, 10),
    channels=("channel 0", "channel 1"),
    features=("feature 0",),
    media=np.stack([_DAYS, 2 * _DAYS], axis=1)[None] / 9,
    kpi=(1 + _DAYS / 100)[None],
    feature_values=(_DAYS % 2)[None, :, None],
    media_scale=np.array([[10.0, 20.0]]),
    kpi_scale=np.array([500.0]),
    feature_scale=np.array([[2.0]]),
    spend=np.stack([_DAYS, 3 * _DAYS], axis=1)[None],
    events=(),
)


def test_fits_that_homes_hold_today_stay_usable() -> None:
    # Another value makes every home fit its whole grid again: only with a raised model version, and on purpose.
    assert fit_fingerprint(_SPEC, _DATA, Settings()) == "082d4629dcfd9e6781bdb96d085d853a"


@pytest.mark.parametrize(
    "settings",
    [
        Settings(sampler={"seed": 1}),  # type: ignore[arg-type]
        Settings(convergence={"rhat_max": 1.02}),  # type: ignore[arg-type]
    ],
)
def test_settings_that_change_the_posterior_count(settings: Settings) -> None:
    assert fit_fingerprint(_SPEC, _DATA, settings) != fit_fingerprint(_SPEC, _DATA, Settings())


@pytest.mark.parametrize("field", ["media", "kpi", "feature_values", "spend", "media_scale"])
def test_data_counts(field: str) -> None:
    other = dataclasses.replace(_DATA, **{field: getattr(_DATA, field) * 1.001})
    assert fit_fingerprint(_SPEC, other, Settings()) != fit_fingerprint(_SPEC, _DATA, Settings())


def test_the_name_of_a_single_market_does_not_count() -> None:
    named = dataclasses.replace(_DATA, markets=("DE",))
    assert fit_fingerprint(_SPEC, named, Settings()) == fit_fingerprint(_SPEC, _DATA, Settings())


def test_settings_of_the_report_do_not_count() -> None:
    reported = Settings(report={"currency": "EUR"})  # type: ignore[arg-type]
    assert fit_fingerprint(_SPEC, _DATA, reported) == fit_fingerprint(_SPEC, _DATA, Settings())


def test_by_default_all_media_together_have_a_prior_and_the_earlier_one_can_be_kept() -> None:
    assert model_spec(Settings(), "carryover", 2, _DATA).media_prior == MediaPrior("total_share", 0.4, 0.2)
    kept = Settings(priors={"media": {"kind": "spend_share"}})  # type: ignore[arg-type]
    assert model_spec(kept, "carryover", 2, _DATA) == dataclasses.replace(_SPEC, roi_priors=(), feature_signs=())


def test_a_home_of_another_prior_is_told_what_changes_and_how_to_keep_it() -> None:
    told = told_prior_change(SPEND_SHARE, Settings())
    assert told is not None
    assert "total_share (all media cause 40% ± 20% of the KPI), which is the default now" in told
    assert "set priors: {media: {kind: spend_share}}" in told
    back = Settings(priors={"media": {"kind": "spend_share"}})  # type: ignore[arg-type]
    assert told_prior_change(SPEND_SHARE, back) is None
    other = told_prior_change(MediaPrior("total_share", 0.3, 0.1), Settings())
    assert other is not None
    assert other.endswith("priors: {media: {kind: total_share, mean: 0.3, sd: 0.1}}")
