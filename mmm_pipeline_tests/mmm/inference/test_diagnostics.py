"""The verdict on a posterior, on draws whose quality is known."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from mmm_pipeline.mmm import ConvergenceThresholds
from mmm_pipeline.mmm.inference.diagnostics import Convergence, convergence_of, in_reach, parameter_diagnostics

THRESHOLDS = ConvergenceThresholds(rhat_max=1.01, ess_min=400, divergence_share_max=0.001)


def posterior(*, shift=0.0):
    """Independent draws; the retention of channel b stands elsewhere in one chain."""
    draws = np.random.default_rng(0).standard_normal((4, 1000, 3))
    draws[0, :, 2] += shift
    return xr.Dataset(
        {
            "noise_sd": (("chain", "draw"), draws[..., 0]),
            "retention": (("chain", "draw", "channel"), draws[..., 1:]),
        },
        coords={"channel": ["a", "b"]},
    )


def test_independent_draws_converge():
    verdict = convergence_of(parameter_diagnostics(posterior()), 0, 4000, THRESHOLDS)
    assert verdict.converged
    assert verdict.failures == ()
    assert verdict.ess_bulk_min > 3000


def test_every_scalar_is_diagnosed_by_name():
    labels = parameter_diagnostics(posterior())["parameter"].to_numpy().tolist()
    assert labels == ["noise_sd", "retention[a]", "retention[b]"]


def test_a_chain_elsewhere_is_named_with_value_and_limit():
    verdict = convergence_of(parameter_diagnostics(posterior(shift=3.0)), 0, 4000, THRESHOLDS)
    assert not verdict.converged
    assert str(verdict.failures[0]).startswith("R-hat above 1.01: retention[b] 1.")
    assert not any("retention[a]" in str(failure) for failure in verdict.failures)


@pytest.mark.parametrize(("divergences", "converged"), [(4, True), (5, False)])
def test_divergences_count_against_their_share(divergences, converged):
    verdict = convergence_of(parameter_diagnostics(posterior()), divergences, 4000, THRESHOLDS)
    assert verdict.converged is converged
    assert verdict.divergences == divergences


@pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning")
def test_a_parameter_that_never_moves_cannot_converge():
    stuck = posterior()
    stuck["noise_sd"][:] = 1.0
    verdict = convergence_of(parameter_diagnostics(stuck), 0, 4000, THRESHOLDS)
    assert not verdict.converged
    assert "noise_sd" in str(verdict.failures[0])


@pytest.mark.parametrize(
    ("rhat", "ess", "divergences", "expected"),
    [
        (1.005, 399, 0, True),
        (1.005, 134, 0, True),  # three times as many draws: 402
        (1.005, 133, 0, False),
        (1.029, 399, 0, True),  # an excess of 0.029 over three: 0.0097
        (1.031, 399, 0, False),
        (1.005, 399, 5, False),  # above a thousandth of 4000
        (float("inf"), 0, 0, False),
    ],
)
def test_more_draws_are_expected_to_mend_narrow_misses_only(rhat, ess, divergences, expected):
    verdict = Convergence(False, rhat, 5000, ess, divergences)
    assert in_reach(verdict, 4000, THRESHOLDS, 12_000) is expected
