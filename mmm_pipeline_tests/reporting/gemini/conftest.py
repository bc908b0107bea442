"""A stand-in server, a writer that talks to it, and results to write about."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mmm_pipeline.reporting.gemini.answer_cache import AnswerCache
from mmm_pipeline.reporting.gemini.client import GeminiClient, Limits
from mmm_pipeline.reporting.gemini.token_budget import TokenBudget
from mmm_pipeline.reporting.gemini.writer import GeminiWriter
from mmm_pipeline.reporting.results.tables import ResultTables
from mmm_pipeline_tests.reporting.gemini.stand_in import KEY, StandIn, serve
from mmm_pipeline_tests.reporting.profiled_results import profiled
from mmm_pipeline_tests.reporting.synthetic_results import synthetic_results

PATIENT = Limits(timeout_seconds=20, deadline_seconds=30, attempts=3, pause_seconds=0.01)
HASTY = Limits(timeout_seconds=0.6, deadline_seconds=30, attempts=3, pause_seconds=0.01)
"""For servers that do not answer in time."""


@pytest.fixture
def server() -> Iterator[StandIn]:
    with serve() as state:
        yield state


@pytest.fixture
def writer(server: StandIn, tmp_path: Path) -> Callable[..., GeminiWriter]:
    """Makes a writer; its cache and its budget are those of the test."""

    def make(limits: Limits = PATIENT, token_budget: int = 300_000, key: str = KEY, run: str = "run") -> GeminiWriter:
        return GeminiWriter(
            GeminiClient(key, limits, server.url),
            AnswerCache(tmp_path / "answers"),
            TokenBudget(tmp_path / "tokens.json", run, token_budget),
        )

    return make


@pytest.fixture(scope="session")
def tables() -> ResultTables:
    """Five channels and a data profile, one language."""
    return profiled(synthetic_results(5, settings={"report": {"languages": ["en"]}}))
