"""The champion that a partition is compared with: by its place in time, whatever was done when."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.artifacts import artifact_store
from mmm_pipeline.storage.champions import earlier_champion, mark_champion
from mmm_pipeline.storage.home import Home
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit

_WEEKS = ("2026-01-05", "2026-01-12", "2026-01-19", "2026-01-26")
_FIT = synthetic_fit(channels=1, days=30, draws=4)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def _crown(home: Home, week: str, fingerprint: str, *, quick: bool = False) -> None:
    artifacts = artifact_store(Settings(), home.refresh(week))
    artifacts.write_fit("champion_model", _FIT, fingerprint=fingerprint)
    mark_champion(artifacts, quick=quick)


def _before(home: Home, week: str, *, quick: bool = False) -> str | None:
    found = earlier_champion(home.refresh(week), Settings(), quick=quick)
    return None if found is None else found.folder.key


def test_the_champion_of_the_partition_before_is_found(home: Home) -> None:
    for week, fingerprint in zip(_WEEKS, ("aa", "bb", "cc"), strict=False):
        _crown(home, week, fingerprint)
    assert _before(home, _WEEKS[2]) == _WEEKS[1]


def test_the_first_partition_has_none_before_it(home: Home) -> None:
    _crown(home, _WEEKS[0], "aa")
    assert _before(home, _WEEKS[0]) is None


def test_after_a_setting_was_tried_and_reverted_the_reverted_champion_is_the_one_before(home: Home) -> None:
    for week, fingerprint in zip(_WEEKS, ("aa", "bb", "aa", "cc"), strict=True):
        _crown(home, week, fingerprint)
    assert _before(home, _WEEKS[3]) == _WEEKS[2]


def test_a_partition_that_changed_nothing_is_passed_over(home: Home) -> None:
    for week, fingerprint in zip(_WEEKS, ("aa", "bb", "bb"), strict=False):
        _crown(home, week, fingerprint)
    assert _before(home, _WEEKS[2]) == _WEEKS[0]


def test_a_partition_of_the_future_made_by_a_wrong_clock_is_never_the_one_before(home: Home) -> None:
    _crown(home, "2099-01-05", "zz")
    _crown(home, _WEEKS[0], "aa")
    _crown(home, _WEEKS[1], "bb")
    assert _before(home, _WEEKS[1]) == _WEEKS[0]


def test_partitions_filled_out_of_order_are_compared_in_the_order_of_time(home: Home) -> None:
    for week in (_WEEKS[2], _WEEKS[0], _WEEKS[1]):
        _crown(home, week, week.replace("-", ""))
    assert _before(home, _WEEKS[2]) == _WEEKS[1]


def test_a_full_run_is_not_compared_with_a_quick_one(home: Home) -> None:
    _crown(home, _WEEKS[0], "aa")
    _crown(home, _WEEKS[1], "bb", quick=True)
    _crown(home, _WEEKS[2], "cc")
    assert _before(home, _WEEKS[2]) == _WEEKS[0]
    assert _before(home, _WEEKS[2], quick=True) == _WEEKS[1]
