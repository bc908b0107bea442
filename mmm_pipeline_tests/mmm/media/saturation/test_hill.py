"""What a plan is worth under a Hill curve, where media all but vanishes."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_pipeline.mmm.media.effective_media import EffectiveMedia, Fading
from mmm_pipeline.mmm.media.saturation.hill import HillSaturation

SLOPE, HALF = 0.02, 0.7


@pytest.mark.parametrize("carried", [1e-30, 1e-150, 1e-290])
def test_a_flat_curve_sees_media_however_small(carried):
    media = EffectiveMedia(
        carried=np.array([[carried, 1.0]]), gain=np.array([[0.0, 1.0]]), repeated_day=1, repeats=np.ones(1),
        fading=Fading(np.zeros(1), 0),
    )  # fmt: skip
    days = HillSaturation().days(media, {"half_saturation": np.array([HALF]), "slope": np.array([SLOPE])})
    expected = sum(1 / (1 + (z / HALF) ** -SLOPE) for z in (carried, 1.0))

    assert days.value(0.0)[0] == pytest.approx(expected, rel=1e-12)
    assert days.totals(0.0).value[0] == pytest.approx(expected, rel=1e-12)
    assert days.totals(1e-3).value[0] == pytest.approx(days.value(1e-3)[0], rel=1e-12)


def test_a_plan_without_media_after_none_has_no_effect_and_a_finite_steep_slope():
    media = EffectiveMedia(
        carried=np.zeros((1, 2)),
        gain=np.ones((1, 2)),
        repeated_day=1,
        repeats=np.ones(1),
        fading=Fading(np.zeros(1), 0),
    )
    totals = HillSaturation().days(media, {"half_saturation": np.array([HALF]), "slope": np.array([0.5])}).totals(0.0)

    assert totals.value[0] == 0.0
    assert 1e40 < totals.slope[0] < np.inf
    assert np.isfinite(totals.curvature[0])
