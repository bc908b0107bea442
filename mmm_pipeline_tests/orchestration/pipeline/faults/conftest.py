"""Homes whose inputs are there, so that only fits are left to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmm_pipeline.storage.home import Home
from mmm_pipeline_tests.orchestration.pipeline.conftest import UP_TO_THE_CHAMPION, run_some, small_settings

_INPUTS = UP_TO_THE_CHAMPION[: UP_TO_THE_CHAMPION.index("fitted_model")]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)


def home_with_inputs(folder: Path, source: Path, dagster_yaml: dict[str, str], **changes: object) -> Home:
    """A home in which everything above the fits was materialized.

    Args:
        folder: of the home.
        source: campaign file.
        dagster_yaml: pieces of the home's dagster.yaml and what stands there instead.
        changes: sections of the settings.
    """
    home = Home(folder)
    assert run_some(home, small_settings(source, **changes), _INPUTS).success
    file = home.root / "dagster.yaml"
    text = file.read_text(encoding="utf-8")
    for piece, instead in dagster_yaml.items():
        assert piece in text
        text = text.replace(piece, instead)
    file.write_text(text, encoding="utf-8")
    return home
