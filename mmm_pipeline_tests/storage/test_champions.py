"""Earlier champions stay readable, the oldest are forgotten, and a damaged one is named."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from mmm_pipeline.errors import StoredResultError
from mmm_pipeline.storage.artifacts import ArtifactStore
from mmm_pipeline.storage.champions import ChampionHistory
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit

_FIRST = datetime(2026, 1, 5, 6, tzinfo=UTC)


@pytest.fixture
def history(tmp_path: Path) -> ChampionHistory:
    return ChampionHistory(ArtifactStore(tmp_path))


def _crown(history: ChampionHistory, week: int, *, limit: int = 2, quick: bool = False, fingerprint: str = "") -> int:
    fit = synthetic_fit(channels=1, days=30, draws=4, seed=week)
    history.artifacts.write_fit("champion_model", fit, fingerprint=fingerprint or f"{week:032x}")
    return history.keep("champion_model", limit, quick, now=_FIRST + timedelta(weeks=week))


def test_the_champion_before_is_found_and_read(history: ChampionHistory) -> None:
    _crown(history, 0)
    _crown(history, 1)

    previous = history.previous(f"{1:032x}", quick=False)

    assert previous is not None
    assert previous.kept == _FIRST
    assert history.read(previous).data.kpi[0, 0] == synthetic_fit(channels=1, days=30, draws=4, seed=0).data.kpi[0]


def test_the_first_champion_has_none_before_it(history: ChampionHistory) -> None:
    assert _crown(history, 0) == 0
    assert history.previous(f"{0:032x}", quick=False) is None


def test_a_champion_that_is_used_again_is_kept_once(history: ChampionHistory) -> None:
    _crown(history, 0)
    _crown(history, 1, fingerprint=f"{0:032x}")
    assert [entry.kept for entry in history.entries()] == [_FIRST]


def test_after_a_setting_was_tried_and_reverted_the_reverted_champion_is_the_one_before(
    history: ChampionHistory,
) -> None:
    for week, fingerprint in enumerate(["aa", "bb", "aa", "cc"]):
        _crown(history, week, fingerprint=fingerprint)
        if week == 2:
            assert _before(history, "aa") == ("bb", 1)

    assert _before(history, "cc") == ("aa", 2)
    assert [entry.fingerprint for entry in history.entries()] == ["bb", "aa", "cc"]


def test_a_date_in_the_future_does_not_stay_the_refresh_before(history: ChampionHistory) -> None:
    _crown(history, 500, fingerprint="dd")
    for week, fingerprint in enumerate(["aa", "bb"]):
        _crown(history, week, fingerprint=fingerprint)
    assert _before(history, "bb") == ("aa", 0)


def test_files_of_earlier_versions_come_first(history: ChampionHistory) -> None:
    _crown(history, 0, fingerprint="aa")
    [entry] = history.entries()
    unnumbered = history.artifacts.path("champions", entry.key.removeprefix("000001-"))
    history.artifacts.path("champions", entry.key).rename(unnumbered)
    unnumbered.with_name("99991231T000000000000Z-ee.nc").write_bytes(unnumbered.read_bytes())

    _crown(history, 1, fingerprint="bb")
    _crown(history, 2, fingerprint="cc", limit=9)

    assert [entry.fingerprint for entry in history.entries()] == ["aa", "ee", "bb", "cc"]
    assert _before(history, "cc") == ("bb", 1)


def _before(history: ChampionHistory, fingerprint: str) -> tuple[str, int]:
    """Fingerprint and week of the champion before."""
    entry = history.previous(fingerprint, quick=False)
    assert entry is not None
    return entry.fingerprint, (entry.kept - _FIRST) // timedelta(weeks=1)


def test_beyond_the_limit_the_oldest_are_forgotten(history: ChampionHistory) -> None:
    counts = [_crown(history, week) for week in range(5)]

    assert counts == [0, 1, 2, 2, 2]
    assert [int(entry.fingerprint, 16) for entry in history.entries()] == [2, 3, 4]


def test_a_limit_of_zero_keeps_nothing_to_compare_with(history: ChampionHistory) -> None:
    _crown(history, 0, limit=0)
    assert _crown(history, 1, limit=0) == 0
    assert history.previous(f"{1:032x}", quick=False) is None


def test_a_full_run_is_not_compared_with_a_quick_one(history: ChampionHistory) -> None:
    _crown(history, 0)
    _crown(history, 1, quick=True)
    _crown(history, 2)

    full, quick = (history.previous(f"{2:032x}", quick=quick) for quick in (False, True))

    assert full is not None
    assert int(full.fingerprint, 16) == 0
    assert quick is not None
    assert int(quick.fingerprint, 16) == 1


def test_a_damaged_champion_is_named(history: ChampionHistory) -> None:
    _crown(history, 0)
    [entry] = history.entries()
    path = history.artifacts.path("champions", entry.key)
    path.write_bytes(path.read_bytes()[:500])

    with pytest.raises(StoredResultError, match=entry.key):
        history.read(entry)


def test_files_that_are_not_champions_are_left_alone(history: ChampionHistory) -> None:
    stranger = history.artifacts.path("champions", "notes")
    stranger.parent.mkdir()
    stranger.write_text("mine", encoding="utf-8")
    for week in range(4):
        _crown(history, week, limit=1)
    assert stranger.read_text(encoding="utf-8") == "mine"
