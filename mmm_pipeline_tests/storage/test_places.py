"""A folder, fsspec's memory and a bucket over HTTP keep the same promises; a bucket that refuses is told apart."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from mmm_pipeline.errors import SettingsError, StorageUnavailable, StoredResultError
from mmm_pipeline.settings.pipeline import Settings, parse_settings
from mmm_pipeline.storage import places
from mmm_pipeline.storage.artifacts import ArtifactStore, artifact_store
from mmm_pipeline.storage.champions import earlier_champion
from mmm_pipeline.storage.home import Home
from mmm_pipeline.storage.places import Place, place_of
from mmm_pipeline.storage.results import POINTER, copy_results, forget_old, publish
from mmm_pipeline.storage.workspace import newest_refresh, stored_refreshes
from mmm_pipeline_tests.mmm.synthetic_fits import synthetic_fit
from mmm_pipeline_tests.storage.bucket_server import TOKEN, Bucket, environment_of, serve


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    pytest.importorskip("gcsfs", reason="the extra `gcs` is not installed")
    with serve() as bucket, pytest.MonkeyPatch.context() as patch:
        for name, value in environment_of(bucket, tmp_path_factory.mktemp("key")).items():
            patch.setenv(name, value)
        yield bucket


@pytest.fixture
def bucket(server: Bucket) -> Bucket:
    server.objects.clear()
    server.requests.clear()
    server.status, server.cut = None, 0
    return server


@pytest.fixture(params=["folder", "memory", "bucket"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    if request.param == "folder":
        return place_of(tmp_path / "artifacts")
    if request.param == "memory":
        return place_of(f"memory://{uuid.uuid4().hex}/artifacts")
    request.getfixturevalue("bucket")
    return place_of("gs://marketing/artifacts")


def test_what_is_written_is_read_and_replaced_as_a_whole(place: Place) -> None:
    places.write(place / "a.json", b"old, and longer")
    places.write(place / "a.json", b"new\r\n\0")
    assert places.read(place / "a.json") == b"new\r\n\0"
    assert places.names(place) == ["a.json"]


@pytest.mark.usefixtures("bucket")
def test_no_experiment_of_the_library_asks_another_service() -> None:
    import fsspec
    from gcsfs.core import GCSFileSystem
    from gcsfs.extended_gcsfs import ExtendedGcsFileSystem

    fsspec.register_implementation("gs", ExtendedGcsFileSystem, clobber=True)  # as after an import by somebody else
    place = place_of("gs://marketing/artifacts")
    assert type(place.fs) is GCSFileSystem  # type: ignore[union-attr]
    places.write(place / "a.json", b"content")


def test_what_is_not_there_is_told_so(place: Place) -> None:
    assert not places.exists(place / "a.json")
    assert places.names(place / "none") == places.subfolders(place / "none") == []
    places.remove(place / "a.json")
    places.remove_folder(place / "none")
    with pytest.raises(FileNotFoundError):
        places.read(place / "a.json")


def test_a_folder_takes_the_place_of_another(place: Place, tmp_path: Path) -> None:
    source = tmp_path / "source"
    (source / "markets" / "01-한국").mkdir(parents=True)
    (source / "roi.png").write_bytes(b"roi")
    (source / "markets" / "01-한국" / "roi.png").write_bytes(b"of one market")
    places.write(place / "en" / "drift.png", b"of last week")
    places.write(place / "en" / "markets" / "02-gone" / "roi.png", b"of last week")

    places.write_folder(place / "en", source)
    places.take_folder(place / "en", tmp_path / "copy")

    copied = {path.relative_to(tmp_path / "copy").as_posix() for path in (tmp_path / "copy").rglob("*.png")}
    assert copied == {"roi.png", "markets/01-한국/roi.png"}


def test_a_posterior_survives_the_round_trip(place: Place) -> None:
    store, fit = ArtifactStore(place), synthetic_fit(channels=1, days=30, draws=4)
    store.write_fit("fitted_model", fit, fingerprint="f" * 32, key="carryover|2")

    read, fingerprint = store.read_fit("fitted_model", "carryover|2")

    assert fingerprint == "f" * 32
    np.testing.assert_array_equal(read.data.kpi, fit.data.kpi)
    assert store.has("fitted_model", "carryover|2")
    assert not store.has("fitted_model", "carryover|4")


def test_a_dataset_and_texts_survive_the_round_trip(place: Place) -> None:
    store, dataset = ArtifactStore(place), xr.Dataset({"kpi": ("time", np.arange(3.0))})
    store.write_dataset("model_inputs", dataset)
    store.write_json("eda_profile", {"이름": 1})
    store.write_text("eda_report.ko", "요약", ".md")

    xr.testing.assert_identical(store.read_dataset("model_inputs"), dataset)
    assert store.read_json("eda_profile") == {"이름": 1}
    assert store.read_text("eda_report.ko", ".md") == "요약"


def test_a_missing_and_a_damaged_artifact_are_named(place: Place) -> None:
    store = ArtifactStore(place)
    with pytest.raises(StoredResultError, match="materialize model_inputs first"):
        store.read_dataset("model_inputs")
    places.write(store.path("model_inputs"), b"\x80\x04K\x01.")
    with pytest.raises(StoredResultError, match=r"model_inputs\.nc: the stored model_inputs cannot be read"):
        store.read_dataset("model_inputs")


@pytest.mark.parametrize("name", ["../outside", "/etc/outside", ".hidden", "a\0b", "a\n"])
def test_a_name_leads_to_no_other_folder(place: Place, name: str) -> None:
    with pytest.raises(StoredResultError, match="cannot name an artifact"):
        ArtifactStore(place).write_json(name, {})
    with pytest.raises(StoredResultError, match="cannot name an artifact"):
        ArtifactStore(place).remove("fitted_model", name)


def test_partitions_in_a_bucket_are_found_and_removed_where_no_home_remembers_them(
    bucket: Bucket, tmp_path: Path
) -> None:
    home = Home(tmp_path)
    settings = parse_settings({"storage": {"artifacts": "gs://marketing/artifacts"}, "refreshes": {"keep": 2}})
    for week in ("2026-01-05", "2026-01-12", "2026-01-19"):
        fit = synthetic_fit(channels=1, days=30, draws=4)
        artifact_store(settings, home.refresh(week)).write_fit("champion_model", fit, fingerprint=week)

    before = earlier_champion(home.refresh("2026-01-19"), settings, quick=False)
    assert before is not None
    assert before.artifacts.fit_fingerprint("champion_model") == "2026-01-12"
    assert newest_refresh(home, settings).key == "2026-01-19"
    assert forget_old(home, settings) == ["2026-01-05"]
    assert [folder.key for folder in stored_refreshes(home, settings)] == ["2026-01-12", "2026-01-19"]


def _copied(results: Path, target: Place, text: str, week: str = "2026-11-23", *, is_latest: bool = True) -> Place:
    """Publish a report of a partition, and copy it."""
    link = publish(results, week, lambda folder: (folder / "report.html").write_text(text), today="2026-11-29")
    return copy_results(link, target, is_latest=is_latest)


def test_copies_of_the_results_are_named_when_they_are_complete_and_replaced_ones_go(
    place: Place, tmp_path: Path
) -> None:
    _copied(tmp_path / "results", place, "earlier week", "2026-11-16")
    for number in range(3):
        copy = _copied(tmp_path / "results", place, str(number))

    [named] = set(places.subfolders(place)) & {places.read(place / POINTER).decode().split('"')[3]}
    assert str(copy).endswith(named)
    assert places.read(place / named / "report.html") == b"2"
    assert len(places.subfolders(place)) == 2
    assert {"2026-11-16.json", "2026-11-23.json", POINTER} <= set(places.names(place))


def test_a_copy_cut_short_leaves_the_pointer_on_the_last_complete_one(bucket: Bucket, tmp_path: Path) -> None:
    target = place_of("gs://marketing/results")
    _copied(tmp_path / "results", target, "good")
    pointer = bucket.objects[f"results/{POINTER}"]
    bucket.status = 403

    with pytest.raises(StorageUnavailable):
        _copied(tmp_path / "results", target, "new")

    assert bucket.objects[f"results/{POINTER}"] == pointer


def test_an_upload_that_is_cut_leaves_the_old_object_and_is_tried_again(bucket: Bucket) -> None:
    store = ArtifactStore(place_of("gs://marketing/artifacts"))
    store.write_json("eda_profile", {"week": 1})
    old, bucket.cut = dict(bucket.objects), 1
    store.write_json("eda_profile", {"week": 2})
    assert bucket.cut == 0
    assert old.keys() == bucket.objects.keys()
    assert store.read_json("eda_profile") == {"week": 2}


def test_the_token_comes_from_the_key_that_the_environment_names(bucket: Bucket) -> None:
    places.write(place_of("gs://marketing/a"), b"")
    assert bucket.tokens == {f"Bearer {TOKEN}"}


def test_what_another_process_has_written_is_seen_at_once(bucket: Bucket) -> None:
    folder = place_of("gs://marketing/artifacts/fitted_model")
    before = places.names(folder)
    bucket.objects["artifacts/fitted_model/carryover-2.nc"] = b"by another pod"
    assert (before, places.names(folder)) == ([], ["carryover-2.nc"])


@pytest.mark.parametrize("status", [401, 403])
def test_a_bucket_that_refuses_is_not_taken_for_an_empty_one(bucket: Bucket, status: int) -> None:
    store, bucket.status = ArtifactStore(place_of("gs://marketing/artifacts")), status
    for ask in (
        lambda: store.has("champion_model"),
        lambda: store.stems("champions"),
        lambda: store.read_json("eda_profile"),
        lambda: store.write_json("eda_profile", {}),
    ):
        with pytest.raises(StorageUnavailable, match=r"gs://marketing/artifacts/.*credentials in the environment"):
            ask()


def test_a_bucket_that_is_not_there_is_told_so(bucket: Bucket) -> None:
    with pytest.raises(StorageUnavailable, match="there is no such bucket"):
        places.write(place_of("gs://another/a.json"), b"")


def test_without_credentials_the_place_is_named(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from gcsfs.core import GCSFileSystem

    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "gone.json"))
    GCSFileSystem.clear_instance_cache()
    with pytest.raises(StorageUnavailable, match=r"gs://marketing/a: cannot be reached.*credentials"):
        place_of("gs://marketing/a")


def test_without_the_library_a_url_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "s3fs", None)
    with pytest.raises(SettingsError, match="pip install s3fs"):
        place_of("s3://marketing/artifacts")


def test_artifacts_are_where_the_settings_put_them(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    elsewhere = parse_settings({"storage": {"artifacts": "shared"}}, base=tmp_path)
    folder = home.refresh("2025-03-24")
    assert artifact_store(Settings(), folder).root == home.root / "refreshes" / "2025-03-24" / "artifacts"
    assert artifact_store(elsewhere, folder).root == tmp_path / "shared" / "2025-03-24"


@pytest.mark.parametrize(
    "location",
    ["", "gs://", "gs:///folder", "gs://user:secret@bucket/a", "gs://bucket/a?token=secret", "gs://bucket/../other",
     "http://169.254.169.254/", "file:///etc", "ftp://host/a", "gs://bucket/a b", "s3://bucket:9000/a"],
)  # fmt: skip
@pytest.mark.parametrize("key", ["artifacts", "results"])
def test_a_setting_that_is_no_place_is_refused(key: str, location: str) -> None:
    with pytest.raises(SettingsError, match=rf"storage\.{key}"):
        parse_settings({"storage": {key: location}})
