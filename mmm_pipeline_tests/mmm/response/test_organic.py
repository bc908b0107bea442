"""Organic channels: media without spend are attributed a contribution, and are no part of anything about money."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

from mmm_pipeline.errors import ModelInputError
from mmm_pipeline.mmm.budget.plan import plan_budget
from mmm_pipeline.mmm.data.model_data import model_data
from mmm_pipeline.mmm.evaluation.averaging import agreement_table, averaged_attribution, spec_returns
from mmm_pipeline.mmm.evaluation.drift import drift_table
from mmm_pipeline.mmm.evaluation.prior_posterior import prior_posterior_density
from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.inference.media_coefficients import beliefs_on_roi, channel_priors
from mmm_pipeline.mmm.inference.validation import require_fittable
from mmm_pipeline.mmm.priors.media import MediaPrior
from mmm_pipeline.mmm.response.attribution import attribution, contribution_totals
from mmm_pipeline.mmm.response.response_curves import response_curves
from mmm_pipeline.mmm.sensitivity.media_coordinates import media_coordinates
from mmm_pipeline.mmm.sensitivity.prior_check import prior_check
from mmm_pipeline.mmm.specs import ModelSpec, RoiPrior
from mmm_pipeline.tables.catalog import violations
from mmm_pipeline_tests.mmm.synthetic_fits import market_dataset, synthetic_fit

ORGANIC = "channel 1"


def dataset() -> xr.Dataset:
    made = market_dataset()
    return made.assign(spend=made["spend"].where(made["channel"] != ORGANIC, 0.0))


@pytest.fixture(scope="module")
def fit() -> Fit:
    return synthetic_fit(dataset=dataset(), effect=0.1)


def test_it_has_a_contribution_and_no_return(fit: Fit) -> None:
    result = attribution(fit)

    assert violations("attribution", result.table).empty
    row = result.table.set_index("channel").loc[ORGANIC]
    assert row["contribution"] > 0
    assert row["spend"] == 0
    assert row[["roi", "roi_low", "marginal_roi", "probability_roi_above_1", "cost_per_kpi"]].isna().all()
    assert ORGANIC in set(result.over_time["component"])


def test_the_return_of_all_media_is_that_of_what_was_paid_for(fit: Fit) -> None:
    result = attribution(fit)

    paid = result.table.loc[result.table["spend"] > 0]
    assert result.total["roi"].iloc[0] == pytest.approx(paid["contribution"].sum() / paid["spend"].sum())
    assert result.total["contribution"].iloc[0] == pytest.approx(result.table["contribution"].sum())


def test_it_is_no_part_of_budget_curves_or_drift(fit: Fit) -> None:
    for table in (plan_budget(fit).table, response_curves(fit, points=5), drift_table(fit, fit)):
        assert set(table["channel"]) == {"channel 0", "channel 2"}
    assert set(prior_posterior_density(fit, prior_draws=100)["channel"]) == {"channel 0", "channel 2"}


def test_specs_are_compared_on_paid_channels_and_averaged_over_all(fit: Fit) -> None:
    returns = [spec_returns(fit)]

    agreed = agreement_table(returns, returns[0].key)
    averaged = averaged_attribution(returns, {returns[0].key: 1.0})

    assert violations("spec_agreement", agreed).empty
    assert set(agreed["channel"]) == {"channel 0", "channel 2"}
    assert violations("averaged_attribution", averaged).empty
    assert averaged.set_index("channel").loc[ORGANIC, ["roi", "probability_roi_above_1"]].isna().all()


def test_paid_channels_are_judged_as_without_it(fit: Fit) -> None:
    alone = model_data(dataset().sel(channel=["channel 0", "channel 2"]))
    paid = fit.paid.data

    assert paid.channels == alone.channels
    np.testing.assert_allclose(paid.media, alone.media, rtol=1e-12)
    np.testing.assert_array_equal(paid.spend_share_scale, alone.spend_share_scale)


def test_it_is_believed_to_bring_as_much_as_the_mean_paid_channel() -> None:
    data = model_data(dataset())
    spec = ModelSpec(adstock="adstock", degrees=1, media_prior=MediaPrior("total_share", 0.4, 0.2))

    beliefs, priors = beliefs_on_roi(spec, data), channel_priors(spec, data)
    expected = np.array([beliefs[name].mean for name in data.channels]) * priors.daily_spend
    assert expected[[0, 2]].sum() == pytest.approx(0.4 * data.total_kpi.mean())
    assert expected[1] == pytest.approx(expected[[0, 2]].mean())
    assert data.spend_share_scale[1] == 1.0


def test_the_priors_and_the_evidence_can_be_looked_at_with_it(fit: Fit) -> None:
    check = prior_check(fit.spec, fit.data, draws=200).table
    of_organic = check.loc[check["channel"] == ORGANIC].iloc[0]
    coordinates = media_coordinates(fit, contribution_totals(fit).to_numpy().reshape(-1, 3))

    assert violations("prior_check", check).empty
    assert of_organic["share"] > 0
    assert np.isnan(of_organic["roi"])
    assert np.isfinite(coordinates).all()


def test_a_belief_on_its_return_is_refused() -> None:
    spec = ModelSpec(adstock="adstock", degrees=1, roi_priors=(RoiPrior(ORGANIC, 2.0, 1.0),))
    with pytest.raises(ModelInputError, match="is organic: it has media and no spend, so that it has no ROI"):
        require_fittable(spec, model_data(dataset()))


def test_data_without_any_spend_are_refused() -> None:
    made = dataset()
    with pytest.raises(ModelInputError, match="no channel has spend"):
        model_data(made.assign(spend=made["spend"] * 0))
