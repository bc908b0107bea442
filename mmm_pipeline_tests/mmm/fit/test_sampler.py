"""Sampling: repeatable, watched, honest about convergence, and right about a known truth."""

from __future__ import annotations

import dataclasses
import os
import threading
from pathlib import Path

import jax
import numpy as np
import pytest

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm import ConvergenceThresholds, ModelSpec, Priors, SamplerSettings, sample
from mmm_pipeline.mmm.inference import programs
from mmm_pipeline.mmm.inference.programs import use_compilation_cache
from mmm_pipeline.mmm.media.registry import LIGHTWEIGHT_TRANSFORMS, MEDIA_TRANSFORMS
from mmm_pipeline_tests.mmm.inference import plain_statement as plain

FEW = SamplerSettings(chains=2, warmup=120, draws=60, seed=3, max_escalations=0)
UNREACHABLE = ConvergenceThresholds(rhat_max=1.0000001, ess_min=1e6)


def test_same_seed_gives_the_same_draws_and_another_seed_gives_others():
    data = plain.small_window()
    first, again, other = (
        sample(ModelSpec("carryover", 1), data, dataclasses.replace(FEW, seed=seed)).posterior for seed in (3, 3, 4)
    )
    assert first.equals(again)
    assert not np.isclose(first["noise_sd"], other["noise_sd"]).any()


def test_progress_reports_every_chain_to_the_end_of_both_phases_one_call_at_a_time():
    reports, busy = [], threading.Lock()

    def progress(report):
        assert busy.acquire(blocking=False), "two threads reported at once"
        reports.append(report)
        busy.release()

    sample(ModelSpec("carryover", 1), plain.small_window(), FEW, progress=progress)

    for chain in range(FEW.chains):
        own = [report for report in reports if report.chain == chain]
        warmup = [report.done for report in own if report.phase == "warmup"]
        draws = [report.done for report in own if report.phase == "draws"]
        assert [report.phase for report in own] == ["warmup"] * len(warmup) + ["draws"] * len(draws)
        assert warmup == sorted(set(warmup))
        assert draws == sorted(set(draws))
        assert (warmup[-1], draws[-1]) == (FEW.warmup, FEW.draws)
        assert {report.total for report in own} == {FEW.warmup, FEW.draws}


def test_an_error_in_the_progress_callback_stops_sampling():
    def progress(report):
        raise RuntimeError("the terminal is gone")

    with pytest.raises(RuntimeError, match="the terminal is gone"):
        sample(ModelSpec("carryover", 1), plain.small_window(), FEW, progress=progress)


def test_missed_thresholds_escalate_each_try_is_recorded_and_the_fit_is_marked():
    settings = dataclasses.replace(FEW, max_escalations=2)
    fit = sample(ModelSpec("carryover", 1), plain.small_window(), settings, UNREACHABLE)

    assert [attempt.warmup for attempt in fit.attempts] == [120, 240, 480]
    np.testing.assert_allclose([attempt.target_accept for attempt in fit.attempts], [0.95, 0.975, 0.9875])
    assert not any(attempt.converged for attempt in fit.attempts)
    assert not fit.convergence.converged
    assert any("effective sample size below 1e+06" in str(failure) for failure in fit.convergence.failures)
    assert fit.attempts[-1].rhat_max == fit.convergence.rhat_max
    acceptance = fit.inference["sample_stats"]["acceptance_rate"].mean()
    assert acceptance > 0.95


def test_met_thresholds_need_one_try():
    lenient = ConvergenceThresholds(rhat_max=2.0, ess_min=1.0, divergence_share_max=1.0)
    fit = sample(ModelSpec("carryover", 1), plain.small_window(), dataclasses.replace(FEW, max_escalations=2), lenient)
    assert len(fit.attempts) == 1
    assert fit.convergence.converged
    assert fit.convergence.divergences == 0
    assert fit.convergence.failures == ()


def test_a_narrow_miss_draws_on_from_where_the_chains_stand():
    data, spec = plain.small_window(), ModelSpec("carryover", 1)
    few = sample(spec, data, dataclasses.replace(FEW, max_extensions=0))
    least = min(few.convergence.ess_bulk_min, few.convergence.ess_tail_min)
    thresholds = ConvergenceThresholds(rhat_max=100.0, ess_min=1.1 * least, divergence_share_max=1.0)
    longer = sample(spec, data, FEW, thresholds)

    assert longer.convergence.converged
    (attempt,) = longer.attempts
    blocks = (attempt.draws - FEW.draws) / (FEW.draws // 2)
    assert blocks in (1, 2, 3, 4)
    assert attempt.draws == longer.posterior.sizes["draw"]
    # The draws are those that the chains would have gone on to anyhow.
    at_once = sample(spec, data, dataclasses.replace(FEW, draws=attempt.draws, max_extensions=0))
    assert longer.posterior.equals(at_once.posterior)


def test_a_fit_that_more_draws_do_not_mend_stops_at_the_bound():
    thresholds = ConvergenceThresholds(rhat_max=100.0, ess_min=1.0, divergence_share_max=1.0)
    alone = sample(ModelSpec("carryover", 1), plain.small_window(), FEW, thresholds)
    # In reach after the first block, and out of it for good: every block is drawn, or none is left that could help.
    hard = dataclasses.replace(
        thresholds, ess_min=2.9 * min(alone.convergence.ess_bulk_min, alone.convergence.ess_tail_min)
    )
    fit = sample(ModelSpec("carryover", 1), plain.small_window(), dataclasses.replace(FEW, max_extensions=1), hard)
    assert not fit.convergence.converged
    assert fit.posterior.sizes["draw"] == FEW.draws


def test_divergent_draws_that_the_threshold_accepts_are_accepted_of_a_second_try_only():
    lenient = ConvergenceThresholds(rhat_max=100.0, ess_min=1.0, divergence_share_max=1.0)
    coarse = dataclasses.replace(FEW, target_accept=0.51, max_escalations=2)
    fit = sample(ModelSpec("hill_adstock", 1), plain.small_window(), coarse, lenient)

    first, second = fit.attempts
    assert first.divergences > 0
    assert second.target_accept == pytest.approx(0.755)
    assert fit.convergence.converged
    alone = sample(
        ModelSpec("hill_adstock", 1), plain.small_window(), dataclasses.replace(coarse, max_escalations=0), lenient
    )
    assert alone.convergence.divergences == first.divergences


def test_degrees_reruns_and_escalations_share_one_program():
    data = plain.small_window()
    sample(ModelSpec("carryover", 1), data, FEW)
    before = len(programs._programs)
    other = dataclasses.replace(data, kpi=data.kpi * 1.1)
    sample(ModelSpec("carryover", 4, priors=Priors(media_scale=2.0)), other, FEW, UNREACHABLE)
    assert len(programs._programs) == before


def test_single_precision_is_a_setting():
    settings = dataclasses.replace(FEW, double_precision=False)
    fit = sample(ModelSpec("carryover", 1), plain.small_window(), settings)
    assert fit.convergence.rhat_max < 1.2


def test_chains_side_by_side_in_one_program_are_the_chains_of_the_threads(monkeypatch):
    data = plain.small_window()
    threads = sample(ModelSpec("carryover", 1), data, FEW)
    monkeypatch.setattr("jax.default_backend", lambda: "gpu")
    together = sample(ModelSpec("carryover", 1), data, FEW)
    # The same random numbers; rounding differs, so that only the beginning of a chaotic path is equal.
    assert together.posterior.sizes == threads.posterior.sizes
    assert together.convergence.rhat_max < 1.2


@pytest.mark.parametrize("adstock", LIGHTWEIGHT_TRANSFORMS)
def test_known_truth_lies_within_the_posterior(adstock):
    spec = ModelSpec(adstock, 1, weekday=False)
    data = plain.small_window(days=90, channels=2, seed=8)
    values = {
        "retention": [0.3, 0.7], "exponent": [0.9, 0.8], "half_saturation": [1.0, 0.8], "slope": [1.5, 1.0],
        "peak_delay": [1.0, 2.0], "media_coefficient": [1.2, 0.8],
    }  # fmt: skip
    truth = {name: np.array(value) for name, value in values.items()} | {
        "intercept": 1.0, "trend_coefficient": 0.002, "trend_exponent": 1.0, "seasonality": np.array([0.1, -0.1]),
    }  # fmt: skip
    noise = 0.05 * np.random.default_rng(2).standard_normal(data.days)
    data = dataclasses.replace(data, kpi=(plain.mean(spec, data, truth) + noise)[None])
    settings = SamplerSettings(chains=2, warmup=400, draws=400, max_escalations=0)
    posterior = sample(spec, data, settings).posterior

    assert float(posterior["noise_sd"].mean()) == pytest.approx(0.05, rel=0.25)
    names = ("media_coefficient", *MEDIA_TRANSFORMS[adstock].parameter_names)
    for name in names:
        low, high = posterior[name].quantile([0.005, 0.995], ("chain", "draw")).to_numpy()
        assert ((low <= truth[name]) & (truth[name] <= high)).all(), name
    # The retention of channels that vary this much is known far better than a priori.
    assert (posterior["retention"].std(("chain", "draw")) < 0.12).all()


def test_impossible_input_is_refused_before_anything_is_compiled(monkeypatch):
    monkeypatch.setattr("mmm_pipeline.mmm.fit.sampler.program", lambda *_: pytest.fail("a program was compiled"))
    data = plain.small_window()
    with pytest.raises(ModelInputError, match=r"priors\.media_scale is -1"):
        sample(ModelSpec("adstock", 1, priors=Priors(media_scale=-1)), data, FEW)


def test_compiled_programs_come_only_from_a_folder_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, object] = {}
    monkeypatch.setattr(jax.config, "update", settings.__setitem__)
    (tmp_path / "link").symlink_to(tmp_path)
    assert not use_compilation_cache(tmp_path / "link")
    (tmp_path / "file").write_text("")
    assert not use_compilation_cache(tmp_path / "file")
    monkeypatch.setattr(os, "geteuid", lambda: 4711)
    assert not use_compilation_cache(tmp_path)
    assert settings == {}
    monkeypatch.undo()

    monkeypatch.setattr(jax.config, "update", settings.__setitem__)
    open_to_all = tmp_path / "cache"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    (open_to_all / "planted").write_bytes(b"whoever could write here put this here")
    assert use_compilation_cache(open_to_all)
    assert open_to_all.stat().st_mode & 0o777 == 0o700
    assert list(open_to_all.iterdir()) == []
    assert settings["jax_compilation_cache_dir"] == str(open_to_all)


def test_compiled_programs_are_readable_by_nobody_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jax.config, "update", lambda *_: None)
    own, written, linked = (tmp_path / "cache" / name for name in ("own", "writable", "linked"))
    assert use_compilation_cache(tmp_path / "cache")
    for file, mode in ((own, 0o644), (written, 0o666)):
        file.write_bytes(b"program")
        file.chmod(mode)
    linked.symlink_to(tmp_path)
    assert use_compilation_cache(tmp_path / "cache")
    assert list((tmp_path / "cache").iterdir()) == [own]
    assert own.stat().st_mode & 0o777 == 0o600
