"""Whether a posterior and a plan made with it can be right, told before any report is written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmm_pipeline.mmm.fit.fit import Fit
    from mmm_pipeline.settings.pipeline import Settings

__all__ = ["implausible_sentences"]


def implausible_sentences(
    fit: Fit,
    settings: Settings,
    plan: Mapping[str, Any] | None = None,
    media: Mapping[str, Any] | None = None,
) -> tuple[str, ...]:
    """The judgement of a run's report, in English: the headline, then every reason; empty: nothing speaks against it.

    Args:
        fit: the champion.
        settings: for the KPI's name, the currency and the size of the intervals.
        plan: the row of the contract `budget_summary`; None: there is no plan.
        media: the row of the contract `media_total`; None: it is computed.
    """
    from mmm_pipeline.mmm.evaluation.plausibility import implausibilities
    from mmm_pipeline.mmm.response.attribution import media_total
    from mmm_pipeline.reporting.narratives.template import implausible_words
    from mmm_pipeline.reporting.text.formatting import Formatter
    from mmm_pipeline.reporting.text.names import clean
    from mmm_pipeline.reporting.text.wording import wording

    interval = settings.report.credible_interval
    if media is None:
        media = {str(name): value for name, value in media_total(fit, credible_interval=interval).iloc[0].items()}
    reasons = implausibilities(media, fit.data.total_kpi, plan)
    words, write = wording("en").of_step(fit.data.grid.step), Formatter("en", settings.report.currency)
    told = implausible_words(reasons, clean(settings.columns.kpi, limit=30) or "KPI", interval, words, write)
    return (words("implausible.headline"), *told) if told else ()
