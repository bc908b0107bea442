"""What the priors imply is told before anything is fitted, and absurd ones are named."""

from __future__ import annotations

import numpy as np
import pytest

from mmm_pipeline.mmm import MediaPrior, ModelSpec, RoiPrior
from mmm_pipeline.mmm.sensitivity.prior_check import is_absurd, prior_check
from mmm_pipeline.operations.prior_checks import prior_sentence, prior_warnings
from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.inference.plain_statement import small_panel, small_window

BY_SPEND = parse_settings({"priors": {"media": {"kind": "spend_share"}}})


def test_the_default_leaves_a_baseline_at_nineteen_channels() -> None:
    found = prior_check(ModelSpec("carryover", 1, media_prior=MediaPrior()), small_window(channels=19))
    together = found.table.loc[found.table["channel"].isna()].iloc[0]
    assert violations("prior_check", found.table).empty
    assert violations("prior_kpi", found.series).empty
    assert together["share"] == pytest.approx(0.4, abs=0.03)
    assert together["probability_above_kpi"] < 0.05
    assert prior_warnings(found.table, Settings()) == []
    assert "expected to cause 4" in prior_sentence(together.to_dict(), Settings())


def test_the_spend_share_prior_of_nineteen_channels_is_named_absurd_with_what_to_set() -> None:
    found = prior_check(ModelSpec("carryover", 1), small_window(channels=19))
    together = found.table.loc[found.table["channel"].isna()].iloc[0]
    assert together["share"] > 10
    [told] = prior_warnings(found.table, BY_SPEND)
    assert "(priors.media.kind spend_share)" in told
    assert "with probability 100%" in told
    assert told.endswith("set priors.media (total_share is the default)")


def test_the_daily_series_adds_up_to_the_share_of_the_table() -> None:
    spec = ModelSpec("adstock", 1, media_prior=MediaPrior())
    for data in (small_window(), small_panel()):
        found = prior_check(spec, data)
        together = found.table.loc[found.table["channel"].isna(), "share"].iloc[0]
        assert found.series["media"].sum() / found.series["observed"].sum() == pytest.approx(together)
        channels = found.table.loc[found.table["channel"].notna(), "share"]
        assert channels.sum() == pytest.approx(together)


def test_a_belief_on_a_channel_is_what_the_table_says_of_its_roi() -> None:
    spec = ModelSpec("adstock", 1, media_prior=MediaPrior(), roi_priors=(RoiPrior("channel 1", 3.0, 0.5, "normal"),))
    table = prior_check(spec, small_window(), draws=8000).table.set_index("channel")
    assert table.at["channel 1", "roi"] == pytest.approx(3.0, rel=0.02)
    width = table.at["channel 1", "roi_high"] - table.at["channel 1", "roi_low"]
    assert width == pytest.approx(2 * 1.645 * 0.5, rel=0.05)


@pytest.mark.parametrize(("share", "above", "absurd"), [(0.4, 0.02, False), (0.95, 0.05, True), (0.5, 0.2, True)])
def test_a_prior_is_absurd_by_its_mean_or_by_its_tail(share: float, above: float, absurd: bool) -> None:
    assert is_absurd(share, above) is absurd


def test_the_same_seed_gives_the_same_check() -> None:
    spec = ModelSpec("hill_adstock", 1, media_prior=MediaPrior())
    first, second = (prior_check(spec, small_window(), draws=200, seed=3).table for _ in range(2))
    np.testing.assert_array_equal(first["share"], second["share"])
