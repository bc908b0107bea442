"""A home of the version without partitions opens, and its results are those of the week they were made in."""

from __future__ import annotations

import os
from pathlib import Path

from mmm_pipeline.settings.pipeline import Settings
from mmm_pipeline.storage.champions import earlier_champion
from mmm_pipeline.storage.home import Home
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit

_WEDNESDAY = 1742990400  # 26 March 2025, noon


def _home_of_version_1(root: Path) -> Home:
    from mmm_pipeline.storage.artifacts import ArtifactStore

    store = ArtifactStore(root / "artifacts")
    store.write_fit("champion_model", synthetic_fit(channels=1, days=30, draws=4), fingerprint="present")
    kept = "000001-20250310T060000000000Z-0a"
    store.write_fit("champions", synthetic_fit(channels=1, days=30, draws=4), fingerprint="0a", key=kept)
    (root / "warehouse.duckdb").write_bytes(b"tables")
    for path in (root / "artifacts" / "champion_model.nc", root / "warehouse.duckdb"):
        os.utime(path, (_WEDNESDAY, _WEDNESDAY))
    (root / "results" / "20250326T120000000000Z").mkdir(parents=True)
    (root / "results" / "latest").symlink_to("20250326T120000000000Z")
    return Home(root)


def test_results_move_to_their_week_and_earlier_champions_to_theirs(tmp_path: Path) -> None:
    home = _home_of_version_1(tmp_path)

    home.prepare()
    home.prepare()  # nothing is left to do

    assert [folder.key for folder in home.stored_refreshes()] == ["2025-03-03", "2025-03-24"]
    week = home.refresh("2025-03-24")
    assert week.warehouse_file.read_bytes() == b"tables"
    assert not (tmp_path / "artifacts").exists()
    assert (home.results / "2025-03-24").resolve() == home.latest_results.resolve()
    before = earlier_champion(week, Settings(), quick=False)
    assert before is not None
    assert before.folder.key == "2025-03-03"


def test_a_new_home_has_nothing_to_move(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    home.prepare()
    assert home.stored_refreshes() == []
