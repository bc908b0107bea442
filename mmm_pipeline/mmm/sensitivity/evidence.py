"""Where the channels' returns, all media and a plan's gain come from."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from mmm_pipeline.mmm.fit.fit import Fit
from mmm_pipeline.mmm.response.attribution import contribution_totals, media_variation
from mmm_pipeline.mmm.sensitivity.media_coordinates import media_coordinates
from mmm_pipeline.mmm.sensitivity.power_scaling import Sensitivity, sensitivity
from mmm_pipeline.mmm.sensitivity.verdicts import Evidence, evidence_of

__all__ = ["ChannelEvidence", "channel_evidence", "evidence_on"]


class ChannelEvidence:
    """What a posterior's channels rest on; computed once, for their returns and for plans made with them.

    Args:
        fit: the posterior.
    """

    def __init__(self, fit: Fit) -> None:
        totals = contribution_totals(fit)
        self._chains = totals.sizes["chain"], totals.sizes["draw"]
        self.channels = tuple(fit.data.channels)
        self._totals = totals.to_numpy().reshape(-1, len(self.channels))
        coordinates = media_coordinates(fit, self._totals)
        self._coordinates = coordinates.reshape(*self._chains, *coordinates.shape[1:])
        pointwise = fit.inference["log_likelihood"]["kpi"]
        observations = [name for name in pointwise.dims if name not in ("chain", "draw")]
        self._log_likelihood = pointwise.sum(observations).transpose("chain", "draw").to_numpy()
        self._variation = media_variation(fit)

    def of_channels(self) -> dict[str, tuple[Sensitivity, Evidence]]:
        """ROI, and contribution with it: both are the channel's total over the window, over a constant.

        The prior in question is that of the channel's own parameters.
        """
        found = {}
        for c, channel in enumerate(self.channels):
            draws = self._totals[:, c].reshape(self._chains)
            of_channel = sensitivity(draws, self._coordinates[:, :, c], self._log_likelihood)
            found[channel] = of_channel, evidence_of(of_channel.opinion, float(self._variation[c]))
        return found

    def of_all_media(self) -> tuple[Sensitivity, Evidence]:
        """KPI that all channels together caused, under the priors of all of them."""
        return self.of_draws(self._totals.sum(axis=1))

    def of_draws(self, draws: np.ndarray) -> tuple[Sensitivity, Evidence]:
        """Any quantity, (S,) in the order of the posterior, under the priors of all channels."""
        coordinates = self._coordinates.reshape(*self._chains, -1)
        found = sensitivity(draws.reshape(self._chains), coordinates, self._log_likelihood)
        return found, evidence_of(found.opinion)


def channel_evidence(fit: Fit) -> dict[str, Evidence] | None:
    """Channel -> verdict on its return; None where the log likelihood was not kept."""
    if "log_likelihood" not in fit.inference.groups():
        return None
    return {channel: kind for channel, (_, kind) in ChannelEvidence(fit).of_channels().items()}


def evidence_on(evidence: ChannelEvidence, gain: np.ndarray | None = None) -> pd.DataFrame:
    """The table `sensitivity`.

    Args:
        evidence: of the posterior.
        gain: (S,) of a plan, per draw; None: there is no plan.
    """
    found: Mapping[tuple[str, str | None], tuple[Sensitivity, Evidence]] = {
        ("media", None): evidence.of_all_media(),
        **({("gain", None): evidence.of_draws(gain)} if gain is not None and np.ptp(gain) > 0 else {}),
        **{("roi", channel): each for channel, each in evidence.of_channels().items()},
    }
    return pd.DataFrame(
        {
            "quantity": [quantity for quantity, _ in found],
            "channel": pd.Series([channel for _, channel in found], dtype=object),
            "prior_sensitivity": [each.prior for each, _ in found.values()],
            "likelihood_sensitivity": [each.likelihood for each, _ in found.values()],
            "opinion": [each.opinion for each, _ in found.values()],
            "evidence": [verdict for _, verdict in found.values()],
        }
    )
