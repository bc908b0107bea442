"""What is believed of all paid channels together: the rule that gives each channel a prior.

- `total_share`: one common log-Normal ROI, such that all channels together cause a share of the KPI with the given
  mean and standard deviation. With spend s_c and KPI K of the window, the ROI has the mean p K / Σ s_c and the standard
  deviation q K / √(Σ s_c²), so that Σ ROI_c s_c / K has mean p and standard deviation q. Source: the rule of Meridian
  (Google) for a KPI without revenue.
- `roi`: one common belief on the ROI of every channel.
- `spend_share`: β_c ~ HalfNormal(spend share × number of channels), that of `lightweight-mmm` 0.1.9.

A channel with a belief of its own keeps it under all three; under `total_share` the others share what is left. An
organic channel (media without spend) is believed to cause, beside them, as much as the mean paid one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from mmm_pipeline.mmm.priors.roi import RoiFamilyName, RoiPrior

__all__ = ["SPEND_SHARE", "MediaPrior", "MediaPriorKind", "roi_priors"]

MediaPriorKind = Literal["total_share", "roi", "spend_share"]

_LEAST_LEFT = 0.1
"""Channels without a belief of their own keep at least this part of what they had with no belief on others."""

_LEAST_SPREAD = 0.5
"""And at least this part of the relative standard deviation of the total."""


@dataclass(frozen=True)
class MediaPrior:
    """The prior of all paid channels.

    Attributes:
        kind: see above.
        mean: of the total's share of the KPI, or of every ROI; not read by `spend_share`.
        sd: its standard deviation.
        family: of the ROI where the kind is `roi`.
    """

    kind: MediaPriorKind = "total_share"
    mean: float = 0.4
    sd: float = 0.2
    family: RoiFamilyName = "log_normal"


SPEND_SHARE = MediaPrior("spend_share", 0.0, 0.0)
"""The prior of `lightweight-mmm`."""


def roi_priors(
    media: MediaPrior,
    own: Sequence[RoiPrior],
    channels: Sequence[str],
    spend: np.ndarray,
    kpi: float,
    *,
    organic: Sequence[str] = (),
) -> tuple[RoiPrior, ...]:
    """The beliefs on ROI that the sampler uses, own ones included; a channel without one has the spend-share prior.

    Args:
        media: the rule.
        own: beliefs on single channels.
        channels: C names, of the paid channels.
        spend: (C,) currency over the window, above 0.
        kpi: KPI over the window, above 0.
        organic: names of channels without spend; their belief is on the KPI per unit of what they weigh in priors.
    """
    held = {belief.channel: belief for belief in own}
    if media.kind == "spend_share":
        return tuple(own)
    mean, sd = (media.mean, media.sd) if media.kind == "roi" else _common_roi(media, held, channels, spend, kpi)
    family: RoiFamilyName = media.family if media.kind == "roi" else "log_normal"
    return tuple(held.get(channel) or RoiPrior(channel, mean, sd, family) for channel in (*channels, *organic))


def _common_roi(
    media: MediaPrior, held: dict[str, RoiPrior], channels: Sequence[str], spend: np.ndarray, kpi: float
) -> tuple[float, float]:
    """Mean and standard deviation of the ROI of the channels without a belief of their own."""
    free = np.array([channel not in held for channel in channels])
    if not free.any():
        return media.mean, media.sd
    of = dict(zip(channels, spend / kpi, strict=True))
    claimed = [(belief.mean * of[name], belief.sd * of[name]) for name, belief in held.items() if name in of]
    part = media.mean * spend[free].sum() / spend.sum()
    share = max(media.mean - sum(mean for mean, _ in claimed), _LEAST_LEFT * part)
    variance = media.sd**2 - sum(sd**2 for _, sd in claimed)
    spread = max(math.sqrt(max(variance, 0.0)), _LEAST_SPREAD * share * media.sd / media.mean)
    return share * kpi / spend[free].sum(), spread * kpi / float(np.sqrt((spend[free] ** 2).sum()))
