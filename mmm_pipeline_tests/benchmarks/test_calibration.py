"""Calibration: the verdict on ranks, and one replication."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks.calibration import RANKS, holm, picture, replication, table, uniformity
from benchmarks.plain_model import plain_prior
from mmm_pipeline.mmm import ModelSpec, SamplerSettings
from mmm_pipeline_tests.mmm.inference import plain_statement as plain


def run(ranks):
    return {
        "adstock": "adstock", "replications": len(next(iter(ranks.values()))), "not_converged": 1,
        "quantities": uniformity(ranks), "ranks": ranks,
    }  # fmt: skip


@pytest.fixture(scope="module")
def ranks():
    generator = np.random.default_rng(0)
    uniform = {f"noise[{i}]": generator.integers(0, RANKS, 200).tolist() for i in range(20)}
    # A posterior that is too narrow puts the truth at its ends too often.
    narrow = np.clip(generator.normal(RANKS / 2, 45, 200), 0, RANKS - 1).astype(int).tolist()
    return uniform | {"narrow": narrow}


def test_a_posterior_that_is_too_narrow_is_found_among_many_good_ones(ranks):
    assert [row["quantity"] for row in uniformity(ranks) if not row["uniform"]] == ["narrow"]


def test_table_names_what_is_not_uniform(ranks):
    assert table([run(ranks)]).splitlines()[-1].endswith("| narrow |")
    good = {name: values for name, values in ranks.items() if name != "narrow"}
    assert table([run(good)]).splitlines()[-1].endswith("| none |")


def test_adjusted_p_values_follow_holm():
    np.testing.assert_allclose(holm(np.array([0.04, 0.01, 0.03])), [0.06, 0.03, 0.06])


def test_picture_is_drawn(ranks, tmp_path):
    picture([run(ranks)], tmp_path / "new" / "ranks.png")
    assert (tmp_path / "new" / "ranks.png").read_bytes().startswith(b"\x89PNG")


def test_replication_ranks_every_parameter_and_the_likelihood():
    spec, window = ModelSpec("carryover", 1), plain.small_window()
    truths = plain_prior(spec, window, 2, seed=0)
    truth = {name: values[1] for name, values in truths.items()}
    sampler = SamplerSettings(chains=2, warmup=120, draws=60, max_escalations=0)
    ranks = replication(spec, window, truth, sampler)["ranks"]
    # 4 per channel, 7 weekdays, one Fourier pair, intercept, trend and its exponent, noise, likelihood.
    assert len(ranks) == 4 * 3 + 7 + 2 + 4 + 1
    assert all(0 <= rank < RANKS for rank in ranks.values())
    # The KPI tells the noise of 30 days from values far outside.
    assert 0 < ranks["noise_sd"] < RANKS - 1
