"""An organic channel in texts and pictures: a contribution, no return, no line in the budget."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np

from mmm_pipeline.reporting.narratives.template import offline_narratives
from mmm_pipeline.reporting.results.tables import ResultTables
from mmm_pipeline_tests.reporting.conftest import written_report
from mmm_pipeline_tests.reporting.synthetic_results import synthetic_results

PAID_ONLY = ("spec_agreement", "response_curves", "budget_plan", "drift", "prior_posterior_density")


def with_organic(tables: ResultTables) -> tuple[ResultTables, str]:
    """The results with the third channel costing nothing, and its name."""
    attribution, name = tables.attribution.copy(), str(tables.attribution["channel"].iloc[2])
    own = attribution["channel"] == name
    returns = [it for it in attribution if str(it).startswith(("roi", "marginal_roi", "probability_roi", "cost_per"))]
    attribution.loc[own, returns] = np.nan
    attribution.loc[own, "spend"] = 0.0
    frames = {it: getattr(tables, it) for it in PAID_ONLY}
    paid = {it: frame.loc[frame["channel"] != name] for it, frame in frames.items()}
    moves = tables.reallocation
    kept = moves.loc[(moves["from_channel"] != name) & (moves["to_channel"] != name)]
    return dataclasses.replace(tables, attribution=attribution, reallocation=kept, **paid), name


def test_it_is_told_by_its_contribution_in_both_languages() -> None:
    tables, name = with_organic(synthetic_results(5))
    english, korean = (offline_narratives(tables, language).charts for language in ("en", "ko"))

    [line] = [line for line in english.splitlines() if name in line and "it caused" in line and "ROI" not in line]
    assert "as wide as before the data" in line
    assert "These are organic: media without spend" in english
    assert "오가닉 채널입니다" in korean
    assert not re.search(r"\bnan\b", english + korean)


def test_it_is_in_the_report_as_such(tmp_path: Path) -> None:
    tables, _ = with_organic(synthetic_results(5))
    page = written_report(tables, tmp_path, ("roi", "roi_and_spend", "contribution")).files.html.read_text("utf-8")

    assert "organic: no spend" in page
    assert not re.search(r"\bnan\b", page)
