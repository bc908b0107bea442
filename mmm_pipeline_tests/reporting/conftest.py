"""Results drawn once and shared: drawing is what takes time here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from mmm_pipeline.reporting.charts.catalog import Chart, draw_charts
from mmm_pipeline.reporting.narratives.template import offline_narratives
from mmm_pipeline.reporting.page.report import ReportFiles, write_report
from mmm_pipeline.reporting.results.tables import Language, ResultTables
from mmm_pipeline_tests.reporting.synthetic_results import HOSTILE_NAMES, synthetic_results


@dataclass(frozen=True)
class WrittenReport:
    """A report on disk and what it was made of."""

    tables: ResultTables
    charts: Mapping[Language, list[Chart]]
    files: ReportFiles


def written_report(tables: ResultTables, folder: Path, names: tuple[str, ...] | None = None) -> WrittenReport:
    """Draw (the named charts, or all), narrate offline and write, for every language of the settings."""
    languages = tables.settings.report.languages
    selection = {} if names is None else {"names": names}
    charts = {
        language: draw_charts(tables, folder / "charts" / language, language, **selection) for language in languages
    }
    narratives = {language: offline_narratives(tables, language) for language in languages}
    return WrittenReport(tables, charts, write_report(tables, charts, narratives, folder))


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> WrittenReport:
    """Five channels, both languages, every chart."""
    return written_report(synthetic_results(5), tmp_path_factory.mktemp("report"))


@pytest.fixture(scope="session")
def hostile_report(tmp_path_factory: pytest.TempPathFactory) -> WrittenReport:
    """Channels, KPI, currency and reasons as an attacker would name them."""
    settings = {
        "columns": {"kpi": "<img src=x onerror=alert(1)>"},
        "report": {"languages": ["ko", "en"], "currency": "<b>$</b>"},
    }
    return written_report(
        synthetic_results(HOSTILE_NAMES, settings=settings), tmp_path_factory.mktemp("hostile"), ("roi",)
    )


@pytest.fixture(scope="session")
def uncertain_report(tmp_path_factory: pytest.TempPathFactory) -> WrittenReport:
    """A quick run of forty channels whose champion does not beat the naive forecast and whose plan gains nothing."""
    tables = synthetic_results(40, quick=True, beats_naive=False, material=False)
    return written_report(tables, tmp_path_factory.mktemp("uncertain"), ("budget",))
