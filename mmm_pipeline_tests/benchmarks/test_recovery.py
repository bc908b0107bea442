"""Known truth: one market in every run of the tests, and how the benchmark counts over many."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.recovery import coverage_rows, recovered, table
from mmm_pipeline.mmm import SamplerSettings


def _market(ranks: list[float], *, width: float = 0.2, converged: bool = True) -> dict[str, Any]:
    channels = [{"channel": str(c), "rank": rank, "width_ratio": width} for c, rank in enumerate(ranks)]
    return {"adstock": "adstock", "converged": converged, "channels": channels}


def test_the_true_roi_of_a_simulated_market_lies_within_the_posterior() -> None:
    sampler = SamplerSettings(chains=2, warmup=200, draws=150, max_escalations=0)

    market = recovered("carryover", 4, channels=3, days=84, noise=0.03, sampler=sampler)

    # At so few draws: the truth is not in the last percent of either tail, and the posterior says more than the prior.
    for channel in market["channels"]:
        assert 0.005 < channel["rank"] < 0.995, channel
        assert channel["roi_low"] < channel["roi"] < channel["roi_high"]
        assert channel["width_ratio"] < 0.8, channel
        assert channel["roi"] == pytest.approx(channel["true_roi"], rel=0.5)


def test_coverage_is_the_share_of_truths_inside_the_central_interval() -> None:
    [row] = coverage_rows([_market([0.5, 0.3, 0.06, 0.02]), _market([0.5] * 4)])

    assert (row["band"], row["channels"]) == ("well identified", 8)
    assert row["coverage_50%"] == 6 / 8
    assert row["coverage_90%"] == round(7 / 8, 3)
    assert row["within_error_90%"]


def test_fits_that_did_not_converge_count_for_nothing() -> None:
    [row] = coverage_rows([_market([0.5]), _market([0.0] * 9, converged=False)])
    assert row["channels"] == 1


def test_channels_are_told_apart_by_what_the_data_said_of_them() -> None:
    rows = coverage_rows([_market([0.5], width=width) for width in (0.49, 0.5, 0.79, 0.8, 1.3)])
    assert [(row["band"], row["channels"]) for row in rows] == [
        ("well identified", 1),
        ("weakly identified", 2),
        ("prior only", 2),
    ]


def test_a_coverage_that_chance_cannot_explain_is_marked() -> None:
    lines = table(coverage_rows([_market([0.0] * 20 + [0.5] * 20)])).splitlines()
    assert "**90 % is outside**" in lines[-1]
    assert "50% | " in lines[-1]
