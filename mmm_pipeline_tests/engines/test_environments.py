"""Environments of engines: which state they are in, and what a user is told."""

from __future__ import annotations

import hashlib
import re
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from mmm_pipeline.engines.catalog import Engine, catalog, engine_named
from mmm_pipeline.engines.environments import ENVIRONMENTS_VARIABLE, environment_of
from mmm_pipeline.errors import EngineError
from mmm_pipeline_tests.engines.small_engine import make_engine
from mmm_pipeline_tests.storage.holding_process import holding_process


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Engine:
    monkeypatch.setenv(ENVIRONMENTS_VARIABLE, str(tmp_path / "environments"))
    return make_engine(tmp_path / "engines")


def test_a_missing_environment_says_how_to_make_one(engine: Engine) -> None:
    with pytest.raises(EngineError, match=r"not installed: run `mmm engines install small` \(0.01 GB, about 0.1 min"):
        environment_of(engine).interpreter()


def test_an_environment_is_made_and_goes_out_of_date_with_its_requirements(engine: Engine) -> None:
    lines: list[str] = []
    environment_of(engine).install(lines.append)
    assert environment_of(engine).state() == "ready"
    assert environment_of(engine).interpreter().is_file()
    engine.requirements.write_text("something==1\n")
    assert environment_of(engine).state() == "outdated"


def test_an_environment_in_use_is_not_taken_away(engine: Engine) -> None:
    environment = environment_of(engine)
    other = holding_process(environment.lock)
    try:
        with pytest.raises(EngineError, match=rf"process {other.pid} runs or installs Small: wait for it"):
            environment.install(lambda line: None)
    finally:
        other.kill()
        other.wait()


def test_an_install_that_was_broken_off_is_not_taken_for_a_whole_one(engine: Engine) -> None:
    (environment_of(engine).folder / "bin").mkdir(parents=True)
    assert environment_of(engine).state() == "incomplete"
    with pytest.raises(EngineError, match="not installed to the end"):
        environment_of(engine).interpreter()


def test_requirements_that_do_not_exist_are_told_with_pip_s_last_lines(engine: Engine, tmp_path: Path) -> None:
    engine.requirements.write_text(f"{tmp_path}/no-such-package\n")
    with pytest.raises(EngineError, match=r"(?s)Small could not be installed.*no-such-package"):
        environment_of(engine).install(lambda line: None)
    assert environment_of(engine).state() == "incomplete"


def test_a_named_interpreter_that_is_none_is_told(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MMM_ENGINE_SMALL_PYTHON", "/nowhere/python")
    with pytest.raises(EngineError, match="MMM_ENGINE_SMALL_PYTHON=/nowhere/python: there is no such interpreter"):
        environment_of(engine).interpreter()


def test_a_python_that_is_not_here_is_told(engine: Engine) -> None:
    description = engine.folder / "engine.toml"
    description.write_text(description.read_text().replace('"3.11"', '"2.99"'))
    other = catalog(engine.folder.parent)["small"]
    with pytest.raises(EngineError, match=r"needs Python 2\.99, and there is no python2\.99 on the PATH"):
        environment_of(other).install(lambda line: None)


def test_an_unknown_engine_names_those_there_are() -> None:
    with pytest.raises(EngineError, match=r"no engine 'lightweight': accepted are .*lightweight_mmm"):
        engine_named("lightweight")


def test_a_description_that_is_wrong_names_the_file_and_the_key(engine: Engine) -> None:
    description = engine.folder / "engine.toml"
    description.write_text(description.read_text().replace("size_gb = 0.01", 'size_gb = "big"'))
    with pytest.raises(EngineError, match=r"engine\.toml: missing, unknown or of the wrong type: size_gb"):
        catalog(engine.folder.parent)


@pytest.mark.parametrize("name", ["lightweight_mmm", "pymc_marketing"])
def test_a_shipped_lock_fits_what_is_asked_for_and_names_no_address(name: str) -> None:
    engine = engine_named(name, None)
    text = engine.lock.read_text()
    entries = re.split(r"\n(?=[a-z])", text.replace("\\\n", ""))
    assert all("--hash=sha256:" in entry for entry in entries)
    locked = [Requirement(entry.partition("--hash")[0]) for entry in entries]
    lines = [line for line in engine.requirements.read_text().splitlines() if line and not line.startswith("#")]
    for asked in map(Requirement, lines):
        versions = [str(it.specifier).removeprefix("==") for it in locked if it.name == asked.name]
        assert versions, asked
        assert all(asked.specifier.contains(version) for version in versions), asked
    assert re.search(r"://|index-url|find-links", text) is None


def test_every_shipped_engine_has_a_runner_and_pinned_requirements() -> None:
    for engine in catalog().values():
        assert engine.runner.is_file()
        assert f"{engine.package}=={engine.version}" in engine.requirements.read_text()


@pytest.mark.parametrize("right", [True, False])
def test_with_a_lock_only_packages_of_the_recorded_content_are_installed(
    engine: Engine, tmp_path: Path, right: bool
) -> None:
    wheel = _wheel(tmp_path / "wheels")
    digest = hashlib.sha256(wheel.read_bytes() if right else b"something else").hexdigest()
    engine.lock.write_text(f"--no-index\n--find-links {wheel.parent}\ntiny==1.0 --hash=sha256:{digest}\n")
    there = environment_of(engine)
    if right:
        there.install(lambda line: None)
        assert there.state() == "ready"
        engine.lock.write_text(engine.lock.read_text() + "\n")
        assert there.state() == "outdated"
    else:
        with pytest.raises(EngineError, match="DO NOT MATCH THE HASHES"):
            there.install(lambda line: None)
        assert there.state() == "incomplete"


def _wheel(folder: Path) -> Path:
    """A package without content."""
    folder.mkdir()
    path = folder / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    return path
