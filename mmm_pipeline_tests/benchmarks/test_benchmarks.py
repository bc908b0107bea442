"""The benchmarks run, and what they print follows from what they measured."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import ten_million_rows
from benchmarks.__main__ import BENCHMARKS
from benchmarks.__main__ import main as run_benchmarks
from benchmarks.budget_peers import by_slsqp, by_this, contest
from benchmarks.grid_speed import grid, summary
from benchmarks.grid_speed import table as grid_table
from benchmarks.growth import exponent
from benchmarks.growth import measured as growth_measured
from benchmarks.sampling_speed import measured, table
from benchmarks.windows import benchmark_window, export_window, store_window, stored_window
from mmm_pipeline.mmm import ModelSpec, SamplerSettings
from mmm_pipeline_tests.mmm.inference import plain_statement as plain


def figures(seconds_warmup, seconds_draws, ess):
    return {
        "seconds_compiling": 1.0, "seconds_warmup": seconds_warmup, "seconds_draws": seconds_draws,
        "leapfrogs_per_draw": 31.0, "ess_bulk_min": ess, "rhat_max": 1.0, "divergences": 0,
    }  # fmt: skip


def test_own_sampler_is_timed_and_judged_over_every_parameter():
    settings = SamplerSettings(chains=2, warmup=30, draws=20, max_escalations=0)
    result = measured(ModelSpec("carryover", 1), plain.small_window(), settings)
    # 4 per channel, 7 weekdays, one Fourier pair, intercept, trend and its exponent, noise.
    assert result["parameters"] == 4 * 3 + 7 + 2 + 4
    assert 0 < result["ess_bulk_min"] <= result["ess_bulk_median"]
    assert all(result[f"seconds_{phase}"] > 0 for phase in ("compiling", "warmup", "draws", "after"))


def test_ratio_counts_effective_draws_per_second_of_warmup_and_draws():
    run = {"adstock": "carryover", "original": figures(60.0, 40.0, 50.0), "this": figures(2.0, 3.0, 500.0)}
    last = [cell.strip() for cell in table([run]).splitlines()[-1].strip("|").split("|")]
    # (500 / 5) / (50 / 100) over both phases; (500 / 3) / (50 / 40) over the draws alone.
    assert last[-3:] == ["100", "200.0 x", "133.3 x"]


def test_without_the_original_there_is_no_ratio():
    lines = table([{"adstock": "adstock", "this": figures(2.0, 3.0, 500.0)}]).splitlines()
    assert len(lines) == 3
    assert " x |" not in lines[-1]


def test_window_of_the_real_export_is_its_train_window(campaign_export):
    data = export_window(campaign_export)
    assert str(data.dates[-1]) == "2021-12-14"
    assert np.allclose(data.media.mean(axis=1), 1.0)
    assert "Brand 1 Ad Group 12" not in data.channels


def test_without_the_export_a_market_of_its_size_is_simulated(monkeypatch):
    monkeypatch.setenv("MMM_CAMPAIGN_DATA", "/nowhere.xlsx")
    what, data = benchmark_window()
    assert "simulated" in what
    assert data.media.shape == (1, 87 - 28, 19)


@pytest.mark.parametrize("kind", ten_million_rows.FORMATS)
def test_generated_rows_are_loaded_and_refused_as_planned(tmp_path, kind):
    result = ten_million_rows.measured(ten_million_rows.generated(tmp_path, 20_000, kind))
    assert result["rows"] == 20_000
    assert result["load"] > 0
    assert result["peak_mib"] > 50


def test_grid_keeps_every_spec_its_verdict_and_its_tries():
    settings = SamplerSettings(chains=2, warmup=30, draws=20, max_escalations=1)
    figures = grid([ModelSpec("carryover", 1)], plain.small_window(), settings)
    (row,) = figures["specs"]
    assert (row["spec"], row["attempts"], row["converged"]) == ("carryover|1", 2, False)
    assert row["leapfrogs_per_draw"] > 1
    run = {"data": "a market", "days": 30, "channels": 3, "cache": "cold", "seconds": 9.0, **figures}
    run["machine"] = {"cores": 2, "load_before": 0.1, "load_after": 0.2}
    assert "0 of 1 converged" in summary(run)
    assert grid_table(run).splitlines()[-1].startswith("| carryover, 1 |")


def test_window_goes_through_a_file_unchanged(tmp_path):
    data = plain.small_window(features=1, events=1)
    store_window(data, tmp_path / "window.npz")
    again = stored_window(tmp_path / "window.npz")
    for name, value in vars(data).items():
        np.testing.assert_array_equal(getattr(again, name), value)
    assert again.channels == data.channels


def test_growth_is_the_slope_over_large_sizes():
    rows = [{"days": 1, "channels": n, "step_microseconds": n**1.1} for n in (5000, 10_000, 100_000)]
    small = {"days": 1, "channels": 10, "step_microseconds": 1e9}
    assert exponent([small, *rows]) == pytest.approx(1.1)
    assert np.isnan(exponent([small, rows[0]]))


def test_growth_measures_steps_and_memory_of_a_size():
    row = growth_measured(ModelSpec("carryover", 1), plain.small_window())
    assert (row["days"], row["channels"]) == (30, 3)
    assert row["draw_milliseconds"] == pytest.approx(row["step_microseconds"] * 63 / 1e3, rel=0.1)
    assert row["peak_memory_mb"] > 50


def test_unknown_benchmark_is_answered_with_the_known_ones(capsys):
    assert run_benchmarks(["speed"]) == 2
    answer = capsys.readouterr().out
    assert all(name in answer for name in BENCHMARKS)


@pytest.mark.parametrize("name", BENCHMARKS)
def test_every_benchmark_explains_its_options(name, capsys):
    with pytest.raises(SystemExit) as ended:
        run_benchmarks([name, "--help"])
    assert ended.value.code == 0
    assert f"python -m benchmarks {name}" in capsys.readouterr().out


def test_the_budget_plan_is_no_worse_than_slsqp_on_the_same_posterior():
    case = contest("hill_adstock", channels=4, draws=20)
    ours, theirs = by_this(case), by_slsqp(case, starts=5)
    assert case.kpi(ours.plan) >= case.kpi(theirs.plan) * (1 - 1e-9)
    assert round(ours.plan.sum(), 2) == round(theirs.plan.sum(), 2) == case.total
