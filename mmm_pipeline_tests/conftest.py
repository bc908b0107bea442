"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Compiling takes longer than most of what is tested; processes that tests start inherit the folder.
os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(".pytest_cache/jax").resolve()))
os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.5")


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
