"""Every picture of a run, drawn from its tables alone."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mmm_pipeline.reporting.charts.channels import (
    bubbles,
    channels,
    curves,
    densities,
    marginal_roi,
    markets,
    over_time,
    priors,
    waterfall,
)
from mmm_pipeline.reporting.charts.data import activity, collinearity, kpi_profile, lags
from mmm_pipeline.reporting.charts.decisions import budget, comparisons, drift, engines, leaderboard, model_checks
from mmm_pipeline.reporting.charts.drawing import fonts, style
from mmm_pipeline.reporting.charts.drawing.context import ChartContext, Drawing, chart_context
from mmm_pipeline.reporting.results.tables import Language, ResultTables
from mmm_pipeline.reporting.text.returns import language_words
from mmm_pipeline.reporting.text.wording import Wording
from mmm_pipeline.storage.atomic_files import write_bytes

__all__ = ["CHART_NAMES", "Chart", "draw_charts"]

logger = logging.getLogger(__name__)

_DRAWINGS: dict[str, Callable[[ChartContext], Drawing | None]] = {
    "kpi_forecast": over_time.kpi_forecast,
    "leaderboard": leaderboard.leaderboard,
    "rolling_origins": comparisons.rolling_origins,
    "contribution": channels.contribution,
    "roi": channels.roi,
    "roi_and_spend": bubbles.roi_and_spend,
    "spec_agreement": comparisons.spec_agreement,
    "engine_comparison": engines.engine_comparison,
    "roi_by_market": markets.roi_by_market,
    "waterfall": waterfall.waterfall,
    "contributions_over_time": over_time.contributions_over_time,
    "response_curves": curves.response_curves,
    "budget": budget.budget,
    "marginal_roi": marginal_roi.marginal_roi,
    "drift": drift.drift,
    "activity": activity.activity,
    "kpi_profile": kpi_profile.kpi_profile,
    "collinearity": collinearity.collinearity,
    "lagged_correlation": lags.lagged_correlation,
    "prior_check": priors.prior_check,
    "prior_posterior": densities.prior_posterior,
    "retention": densities.retention,
    "predictive_check": model_checks.predictive_check,
    "traces": model_checks.traces,
}
CHART_NAMES = tuple(_DRAWINGS)
_NOT_OF_CHANNELS = frozenset(
    {
        *("kpi_forecast", "leaderboard", "rolling_origins"),
        *("activity", "kpi_profile", "collinearity", "lagged_correlation"),
        *("predictive_check", "traces", "prior_check"),
    }
)
"""Pictures of the data, the forecasts and the computation, which hold also where media is credited with too much."""


@dataclass(frozen=True)
class Chart:
    """A picture with its words, in the language of the report.

    Attributes:
        name: one of `CHART_NAMES`; also the file's stem.
        path: the PNG.
        title, caption: one line, and how to read it.
        alt: what it shows, for those who cannot see it.
    """

    name: str
    path: Path
    title: str
    caption: str
    alt: str


def draw_charts(
    tables: ResultTables, folder: Path, language: Language, names: Sequence[str] = CHART_NAMES, *, label: str = ""
) -> list[Chart]:
    """Draw charts as `folder/<name>.png`, by default every one; the same tables give the same bytes.

    A label, such as the name of one market, stands in the corner of every picture and before its title.

    A chart whose table has no rows, such as `drift` on a first run, is left out, and an earlier picture of it removed.
    Where no installed font has Hangul, the words inside Korean charts are English and the captions say so. Letters of a
    channel's name that no font has are left out.

    Raises:
        StoredResultError: a table has no rows, or there is no champion.
        OSError: the folder cannot be written.
    """
    import matplotlib

    context = chart_context(tables, language)
    words = language_words(context.tables, context.prose, context.found.kpi)
    fallback = "" if context.words.language == language else " " + words("chart_text.english_fallback")
    before = f"{label}: " if label else ""
    implausible = bool(context.found.implausible)
    charts = []
    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()  # not the taste of whoever runs it
        matplotlib.rcParams.update(style.rc(context.fonts))
        warnings.filterwarnings(
            "ignore", message=".*missing from font.*"
        )  # names are filtered; combining marks may slip
        for name in names:
            drawing = _DRAWINGS[name](context)
            if drawing is None:
                (folder / f"{name}.png").unlink(missing_ok=True)
                continue
            if label:
                shown = fonts.drawable(label, context.fonts)
                drawing.figure.text(0.995, 0.995, shown, ha="right", va="top", weight="bold", color=style.INK)
            warned = implausible and name not in _NOT_OF_CHANNELS
            banner = context.words("implausible.headline") if warned else ""
            path = write_bytes(folder / f"{name}.png", style.to_png(drawing.figure, banner))
            spoken = words("implausible.headline") + " " if warned else ""
            values = {
                "kpi": context.found.kpi,
                "interval": context.prose.percent(tables.settings.report.credible_interval),
                **drawing.values,
            }
            charts.append(
                Chart(
                    name=name,
                    path=path,
                    title=before + words(f"charts.{name}.title", **_title_values(tables, context)),
                    caption=spoken + _told(words, f"charts.{name}.caption", values, implausible) + fallback,
                    alt=spoken + _told(words, f"charts.{name}.alt", values, implausible),
                )
            )
    return charts


def _told(words: Wording, key: str, values: Mapping[str, object], implausible: bool) -> str:
    """The words of a picture; those that judge channels have other ones for results that cannot be right."""
    other = f"{key}_implausible"
    return words(other if implausible and other in words.texts else key, **values)


def _title_values(tables: ResultTables, context: ChartContext) -> dict[str, object]:
    return {"kpi": context.found.kpi, "periods": int(context.found.budget["horizon"])}
