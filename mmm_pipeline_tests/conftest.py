"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ROOT = Path(__file__).parents[1]

# Compiling takes longer than most of what is tested; processes that tests start inherit the folder.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(".pytest_cache/jax").resolve()))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")


_SHARED_RUN = "small_run"
"""The fixture that runs the whole pipeline once: all files that ask for it go to one worker."""
_SHARED_REPORT = "WrittenReport"
"""The type of the reports that are drawn once, in the files that ask for them: they go to one worker too."""
_LONG_FILES = (
    *("pipeline/test_retries.py", "pipeline/test_backtest.py", "pipeline/test_rolling_origins.py"),
    *("inference/test_density.py", "inference/test_plain_agreement.py", "inference/test_variants.py"),
    *("fit/test_sampler.py", "bigquery/test_parity.py"),
)


_SLOW = (
    *("orchestration/pipeline/", "orchestration/assets/", "storage/bigquery/", "benchmarks/", "deployment/"),
    *("cli/test_main.py", "cli/test_output.py", "cli/test_read_only_ui.py", "cli/test_settings_in_force.py"),
    *("docs/test_notebook_page.py", "engines/test_process.py", "storage/test_scratch.py", "test_report_in_browser.py"),
    *("mmm/fit/", "mmm/inference/", "mmm/test_golden.py", "mmm/media/", "mmm/budget/", "mmm/response/"),
    *("reporting/charts/", "reporting/gemini/", "reporting/narratives/", "ingestion/rows/", "ingestion/landing/"),
    *("operations/", "mmm/evaluation/", "reporting/page/", "ingestion/sources/", "ingestion/test_model_inputs.py"),
    *("ingestion/test_check.py", "engines/test_environments.py", "orchestration/test_log_copiers.py"),
    *("settings/test_plain_names.py", "storage/test_places.py", "storage/warehouse/", "storage/test_champions.py"),
    *("ingestion/spellings/", "ingestion/shapes/", "ingestion/test_matrix.py"),
)
"""Folders and files whose tests draw, run Dagster, start processes or take seconds for another reason."""


class WholeFiles(LoadScopeScheduling):
    """Tests of one file go to one worker, and so do all files that share what takes long to make."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return _shared(file) or file


@cache
def _shared(file: str) -> str | None:
    """What the tests of a file share with those of other files."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return next((name for name in (_SHARED_RUN, _SHARED_REPORT) if name in text), None)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WholeFiles:
    return WholeFiles(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first; `make test-fast` leaves out what is slow."""

    def place(item: pytest.Item) -> tuple[bool, bool, bool]:
        file = item.path.relative_to(ROOT).as_posix()
        return _shared(file) != _SHARED_RUN, not file.endswith(_LONG_FILES), _shared(file) is None

    items.sort(key=place)
    for item in items:
        if any(part in item.path.relative_to(ROOT).as_posix() for part in _SLOW):
            item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="module")
def quick_compilation() -> Iterator[None]:
    """Compile without optimization: half the time, for programs that run only a moment."""
    import jax

    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


@pytest.fixture(scope="session", autouse=True)
def _no_key_of_this_machine() -> None:
    """Tests never ask the real Gemini, whoever runs them."""
    os.environ.pop("GEMINI_API_KEY", None)


@pytest.fixture(scope="session")
def campaign_export() -> Path:
    """The real campaign export, which is not part of the project: tests skip where it is absent."""
    path = Path(os.environ.get("MMM_CAMPAIGN_DATA", "../shared/data/campaign_data.xlsx"))
    if not path.is_file():
        pytest.skip(f"no real campaign export at {path}: set MMM_CAMPAIGN_DATA to its path")
    return path
