"""Results that cannot be right are found by what they say, not by how well they forecast."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mmm_pipeline.mmm.evaluation.plausibility import implausibilities

_KPI = np.random.default_rng(0).normal(1000, 50, 200)
"""Nine of ten days within about 165."""


def _media(**changes: float) -> dict[str, Any]:
    usual = {"share": 0.3, "share_low": 0.2, "share_high": 0.4, "probability_above_kpi": 0.0}
    return {**usual, "periods_below_zero": 0, "periods": 200, **changes}


def _plan(gain_per_period: float) -> dict[str, Any]:
    return {"uplift": 28 * gain_per_period, "horizon": 28}


@pytest.mark.parametrize(
    ("media", "gain", "codes"),
    [
        ({}, 50.0, []),
        ({"share": 0.89}, 50.0, []),
        ({"share": 1.49, "share_low": 1.2, "share_high": 1.8}, 50.0, ["media_share"]),
        ({"share": 0.9}, 50.0, ["media_share"]),
        ({"share": 0.85, "probability_above_kpi": 0.55}, 50.0, ["media_share"]),
        ({"periods_below_zero": 3}, 50.0, []),
        ({"periods_below_zero": 4}, 50.0, ["baseline_below_zero"]),
        ({"periods_below_zero": 9, "periods": 1000}, 50.0, []),
        ({}, 250.0, ["gain_beyond_swings"]),
        ({"share": 1.2, "periods_below_zero": 90}, 900.0, ["media_share", "baseline_below_zero", "gain_beyond_swings"]),
    ],
)
def test_each_reason_is_found_at_its_threshold(media: dict[str, float], gain: float, codes: list[str]) -> None:
    found = implausibilities(_media(**media), _KPI, _plan(gain))

    assert [reason.code for reason in found] == codes


def test_every_reason_brings_its_evidence() -> None:
    [share, baseline, gain] = implausibilities(_media(share=1.49, periods_below_zero=90), _KPI, _plan(900.0))

    assert share.values["share"] == 1.49
    assert baseline.values == {"periods_below_zero": 90, "periods": 200}
    assert gain.values["gain_per_period"] == pytest.approx(900.0)
    assert gain.values["kpi_high"] - gain.values["kpi_low"] == pytest.approx(165, abs=25)


def test_without_a_plan_the_rest_is_judged() -> None:
    assert [reason.code for reason in implausibilities(_media(share=1.0), _KPI)] == ["media_share"]
