"""What every chart is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mmm_pipeline.reporting.charts.drawing.fonts import chart_language, drawable, families
from mmm_pipeline.reporting.findings.findings import Findings, findings
from mmm_pipeline.reporting.results.tables import Language, ResultTables
from mmm_pipeline.reporting.text.formatting import Formatter
from mmm_pipeline.reporting.text.names import clean, distinct, shorten
from mmm_pipeline.reporting.text.returns import language_words, stated
from mmm_pipeline.reporting.text.wording import Wording

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["ChartContext", "Drawing", "chart_context", "format_axis", "readable_limit"]

LABEL_WIDTH = 26
_SAME_TOTAL = 0.005
_NOWHERE_NEAR_1 = 0.05


@dataclass(frozen=True)
class Drawing:
    """A drawn figure, and the values that its caption and its alternative text mention."""

    figure: Figure
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class ChartContext:
    """One run, prepared for drawing.

    Attributes:
        words: words inside the picture; English where no font has the language's letters.
        format: formats inside the picture.
        prose: formats of captions, in the language of the report.
        labels: channel -> label that the fonts can draw, unique, at most `LABEL_WIDTH` columns; in order of
            contribution.
    """

    tables: ResultTables
    found: Findings
    words: Wording
    format: Formatter
    prose: Formatter
    fonts: tuple[str, ...]
    labels: Mapping[str, str]

    @property
    def kpi(self) -> str:
        """Name of the KPI."""
        return drawable(self.found.kpi, self.fonts) or "KPI"

    @property
    def has_break_even(self) -> bool:
        """Whether a return of 1 means that the spend came back, so that a line stands there."""
        return self.found.returns.is_money

    @property
    def interval(self) -> str:
        """The credible interval's size, e.g. `90%`."""
        return self.format.percent(self.tables.settings.report.credible_interval)

    @property
    def ordered(self) -> pd.DataFrame:
        """The attribution table, largest contribution first, with a `label` column."""
        table = self.tables.attribution.set_index("channel", drop=False).loc[list(self.labels)]
        return table.assign(label=list(self.labels.values()), evidence=[c.evidence for c in self.found.channels])

    @property
    def profiled(self) -> list[dict[str, Any]]:
        """The channels of the data's profile, largest spend first; the model may have left some of them out."""
        rows = self.tables.eda_profile.get("channels", ())
        return sorted(rows, key=lambda row: (-float(row["spend"]), str(row["channel"])))

    @cached_property
    def profiled_labels(self) -> dict[str, str]:
        """Channel of the profile -> its label; `labels` where the model has it."""
        others = [row["channel"] for row in self.profiled if row["channel"] not in self.labels]
        written = (shorten(drawable(clean(name), self.fonts), LABEL_WIDTH) for name in others)
        names = distinct([*self.labels.values(), *written])
        return dict(zip([*self.labels, *others], names, strict=True))

    @property
    def ranking_error(self) -> str:
        """Which error ranks the specs: mape, wape, rmse or crps."""
        return self.tables.settings.ranking.error

    def error_text(self, value: float, write: Formatter | None = None) -> str:
        """An error of that kind in words; by default as the picture's formats have it."""
        write = write or self.format
        return write.percent(value, 1) if self.ranking_error in ("mape", "wape") else write.compact(value)

    def error_tick(self, value: float) -> str:
        """An error of that kind on an axis."""
        write = self.format
        return write.percent_tick(value) if self.ranking_error in ("mape", "wape") else write.compact(value)

    def spec_label(self, row: Mapping[Any, Any] | pd.Series) -> str:
        """A spec by the `adstock` and `degrees` of a table's row."""
        adstock = str(row["adstock"])
        return self.words(
            "chart_text.spec", adstock=self.words.get(f"adstock.{adstock}", adstock), degrees=row["degrees"]
        )

    @property
    def plan_is_scaled(self) -> bool:
        """Whether the plan's total is another than today's, so that "now" is today's split at the plan's total."""
        total, today = (float(self.found.budget[key]) for key in ("total", "total_today"))
        return abs(total - today) > _SAME_TOTAL * max(total, today)

    @property
    def current_words(self) -> str:
        """What the spend that a plan is compared with is called in a legend."""
        return self.words("legend.current_scaled" if self.plan_is_scaled else "legend.current")

    @property
    def labelled_plan(self) -> pd.DataFrame:
        """The budget plan, largest current spend first, with a `label` column."""
        plan = self.tables.budget_plan
        plan = plan.assign(label=[self.labels.get(name, name) for name in plan["channel"]])
        return plan.sort_values("current_spend", ascending=False, kind="stable").reset_index(drop=True)


def chart_context(tables: ResultTables, language: Language) -> ChartContext:
    """Prepare one run for drawing in a language."""
    tables = stated(tables)
    found = findings(tables)
    currency = tables.settings.report.currency
    drawn = chart_language(language)
    fonts = tuple(families(drawn))
    labels = distinct(shorten(drawable(label, fonts), LABEL_WIDTH) for label in found.labels.values())
    written = Formatter(drawn, drawable(currency, fonts))
    return ChartContext(
        tables=tables,
        found=found,
        words=language_words(tables, written, drawable(found.kpi, fonts)),
        format=written,
        prose=Formatter(language, currency),
        fonts=fonts,
        labels=dict(zip(found.labels, labels, strict=True)),
    )


def format_axis(axes: Axes, which: str, formatter: Any, ticks: int = 6) -> None:
    """Few, round ticks, written by one of the `Formatter`'s methods."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    axis = axes.xaxis if which == "x" else axes.yaxis
    axis.set_major_locator(MaxNLocator(ticks, steps=[1, 2, 2.5, 5, 10]))
    axis.set_major_formatter(FuncFormatter(lambda value, _position: formatter(value)))


def readable_limit(values: pd.Series, highs: pd.Series) -> float:
    """Where an axis of intervals ends: one vast interval must not flatten all others; break-even at 1 is in sight."""
    finite = highs[np.isfinite(highs.astype(float))].astype(float)
    if finite.empty:
        return 2.0
    usual = 2.5 * float(np.quantile(finite, 0.75))
    central = float(np.nanquantile(values.astype(float), 0.9))
    end = min(float(finite.max()), max(usual, 1.3 * central))
    return end if 0 < end < _NOWHERE_NEAR_1 else max(end, 1.5)
