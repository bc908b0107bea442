"""The exact draw of what the density integrates out."""

from __future__ import annotations

import numpy as np

from mmm_pipeline.mmm.baseline.design import linear_designs
from mmm_pipeline.mmm.inference.collapsed import linear_block
from mmm_pipeline.mmm.specs import ModelSpec
from mmm_pipeline_tests.mmm.inference import plain_statement as plain


def test_drawn_block_has_the_moments_of_its_conditional_and_a_positive_intercept():
    spec = ModelSpec("adstock", 1, weekday=False)
    data = plain.small_window()
    draws = 40_000
    # The residual is centred at zero, so that the truncation of the intercept matters.
    block = linear_block(
        linear_designs(spec, data)[0],
        np.broadcast_to(data.kpi - 1.0, (draws, data.days)),
        {"trend_exponent": np.full(draws, 0.9)},
        np.full(draws, 1.5),
    )
    drawn = block.draw(np.random.default_rng(0))
    assert (drawn[:, -1] > 0).all()
    # Importance of every draw under the untruncated Normal is constant: check against rejection sampling.
    standard = np.random.default_rng(1).standard_normal((200_000, 4)) * block.noise_sd[0]
    free = np.linalg.solve(block.factor[0].T, (block.projected[0] + standard).T).T * block.scales
    kept = free[free[:, -1] > 0]
    assert 0.1 < len(kept) / len(free) < 0.9
    error = kept.std(axis=0) * (1 / np.sqrt(draws) + 1 / np.sqrt(len(kept)))
    assert (np.abs(drawn.mean(axis=0) - kept.mean(axis=0)) < 4 * error).all()
    spread = np.sqrt(np.outer(kept.var(axis=0), kept.var(axis=0)))
    np.testing.assert_allclose(np.cov(drawn.T) / spread, np.cov(kept.T) / spread, atol=0.03)
