"""Prior and posterior of retention."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from mmm_pipeline.mmm.media.registry import MEDIA_TRANSFORMS
from mmm_pipeline.mmm.response.retention import retention_density
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit


@pytest.mark.parametrize("adstock", MEDIA_TRANSFORMS)
def test_every_density_has_mass_one(adstock: str) -> None:
    table = retention_density(synthetic_fit(adstock))

    assert violations("retention_density", table).empty
    masses = [np.trapezoid(g["density"], g["retention"]) for _, g in table.groupby(["channel", "source"])]
    np.testing.assert_allclose(masses, 1.0, atol=0.02)


@pytest.mark.parametrize(("adstock", "exact"), [("adstock", lambda x: 2 * x), ("carryover", np.ones_like)])
def test_prior_density_is_right_up_to_the_ends_of_the_interval(
    adstock: str, exact: Callable[[np.ndarray], np.ndarray]
) -> None:
    table = retention_density(synthetic_fit(adstock, channels=1), prior_draws=40_000)

    prior = table[table["source"] == "prior"]
    np.testing.assert_allclose(prior["density"], exact(prior["retention"].to_numpy()), atol=0.12)
