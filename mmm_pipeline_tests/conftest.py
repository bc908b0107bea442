"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Compiling takes longer than most of what is tested; processes that tests start inherit the folder.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(".pytest_cache/jax").resolve()))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")


_LONG_FILES = ("test_cli.py", "test_retries.py", "test_replay.py", "test_rolling_origins.py", "test_plain_agreement.py")


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups in the same hook
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of one file go to one worker, as do all that look at the one small run; what takes longest comes first."""

    def group(item: pytest.Item) -> str:
        return "small run" if "small_run" in getattr(item, "fixturenames", ()) else str(item.path)

    def place(item: pytest.Item) -> tuple[bool, bool]:
        return "small_run" not in getattr(item, "fixturenames", ()), item.path.name not in _LONG_FILES

    items.sort(key=place)
    for item in items:
        item.add_marker(pytest.mark.xdist_group(group(item)))


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
