"""Which media transforms there are, and what is said of one that there is not."""

from __future__ import annotations

import subprocess
import sys
from typing import get_args

import pytest
from pydantic import ValidationError

from mmm_pipeline.errors import ModelInputError, StoredResultError
from mmm_pipeline.mmm import ModelSpec
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.media.adstock.geometric import GeometricAdstock
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS, MEDIA_TRANSFORMS, media_transform
from mmm_pipeline.mmm.media.saturation.hill import HillSaturation
from mmm_pipeline.mmm.media.saturation.power import PowerSaturation
from mmm_pipeline.mmm.media.transform import MediaTransform
from mmm_pipeline.reporting.results.tables import Language
from mmm_pipeline.settings.model import ModelSettings
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit


def test_the_default_grid_is_that_of_lightweightmmm_with_its_parameters() -> None:
    assert ModelSettings().adstocks == LIGHTWEIGHT_TRANSFORMS
    assert {name: MEDIA_TRANSFORMS[name].parameter_names for name in LIGHTWEIGHT_TRANSFORMS} == {
        "adstock": ("retention", "exponent"),
        "hill_adstock": ("retention", "half_saturation", "slope"),
        "carryover": ("retention", "peak_delay", "exponent"),
    }


def test_an_unknown_name_is_one_error_with_the_accepted_ones() -> None:
    accepted = ", ".join(MEDIA_TRANSFORMS)
    with pytest.raises(ModelInputError, match=f"adstock is 'carry_over': accepted are {accepted}"):
        media_transform("carry_over")
    with pytest.raises(ModelInputError, match=f"accepted are {accepted}"):
        ModelSpec("carry_over", 1).transform  # noqa: B018


def test_settings_take_every_registered_transform_and_no_other() -> None:
    assert ModelSettings(adstocks=tuple(MEDIA_TRANSFORMS)).adstocks == tuple(MEDIA_TRANSFORMS)
    with pytest.raises(ValidationError, match="hill_adstock"):
        ModelSettings(adstocks=("carry_over",))


def test_a_stored_fit_of_a_transform_that_is_gone_is_refused() -> None:
    stored = synthetic_fit().to_inference_data()
    group = stored["constant_data"]
    group.attrs["mmm_fit"] = group.attrs["mmm_fit"].replace('"adstock": "adstock"', '"adstock": "other"')

    with pytest.raises(StoredResultError, match=r"media transform 'other'.*fit the model again"):
        Fit.from_inference_data(stored)


def test_every_transform_has_a_name_in_every_language_of_the_report() -> None:
    missing = {
        (name, language)
        for name, transform in MEDIA_TRANSFORMS.items()
        for language in get_args(Language)
        if language not in transform.titles
    }
    assert not missing


def test_two_parameters_of_one_name_or_symbol_are_refused() -> None:
    class Clashing(PowerSaturation):
        parameters = GeometricAdstock.parameters

    with pytest.raises(ValueError, match="two parameters of one name: retention, retention"):
        MediaTransform("clash", GeometricAdstock(), Clashing())
    assert MediaTransform("fine", GeometricAdstock(), HillSaturation()).parameter_names[0] == "retention"


def test_reading_the_registry_starts_neither_jax_nor_scipy() -> None:
    command = (
        "import sys, mmm_pipeline.mmm.media.registry; "
        "print([name for name in ('jax', 'numpyro', 'scipy', 'arviz') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", command], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "[]"
