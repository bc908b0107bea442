"""Which layout a home has; what an older program left out of it is added, and a newer one's is refused."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import yaml

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.storage.atomic_files import write_text
from mmm_pipeline.storage.file_errors import is_writable

__all__ = ["FORMAT", "bring_up_to_date", "missing_sections", "read_mapping"]

FORMAT = 2
"""Of the homes that this program writes. 1: without a number, `dagster.yaml` as the first programs wrote it."""

logger = logging.getLogger(__name__)

_FORMAT_FILE = "home.yaml"
_DAGSTER_FILE = "dagster.yaml"
_WORKSPACE_FILE = "workspace.yaml"
_FORMAT_TEXT = f"""\
# Written by mmm_pipeline: which layout this home has. A program that knows an older one only refuses it.
format: {FORMAT}
"""
_WORKSPACE_TEXT = """\
# Written by mmm_pipeline: the pipeline's code, for Dagster's own commands (`dagster dev -w workspace.yaml`).
load_from:
  - python_module:
      module_name: mmm_pipeline.definitions
      location_name: mmm_pipeline
"""
_DAGSTER_HEADER = "# Written by mmm_pipeline on first use; yours to edit.\n"
_ADDED = "# Added by mmm_pipeline, whose earlier release did without; yours to edit.\n"
_DAGSTER_SECTIONS = {
    "telemetry": """\
telemetry:
  enabled: false
""",
    "nux": """\
nux:
  enabled: false
""",
    "concurrency": """\
concurrency:
  pools:
    granularity: run
    default_limit: 1
""",
    "run_launcher": """\
run_launcher:
  module: mmm_pipeline.run_launcher
  class: WatchfulRunLauncher
""",
    "run_monitoring": """\
# A run whose process is gone (memory, power, kill -9) is marked as failed ...
run_monitoring:
  enabled: true
  poll_interval_seconds: 30
""",
    "run_retries": """\
# ... and run again from where it was. What an asset itself refused is not: the data or settings have to change first.
run_retries:
  enabled: true
  max_retries: 2
  retry_on_asset_or_op_failure: false
""",
}
_INSTEAD = {"concurrency": {"run_queue", "run_coordinator"}}
"""Older sections of Dagster's that say the same; it does not take both."""
_EARLIER_TEXTS = {"run_retries": "run_retries:\n  enabled: true\n  max_retries: 0\n"}
"""What the first programs wrote: nobody's decision, so that it is replaced."""


def bring_up_to_date(root: Path) -> None:
    """Write what is missing in a home of today, one of an earlier format included; nothing where all is there.

    What is added to a file that was there is said in the log. A home that cannot be written stays as it is.

    Raises:
        SettingsError: a newer program wrote the home, or one of its files is damaged.
        OSError: a file cannot be read or written.
    """
    dagster_file, format_file = root / _DAGSTER_FILE, root / _FORMAT_FILE
    found = _format_of(root)
    if found > FORMAT:
        raise SettingsError(
            f"home folder {root}: was written by a newer mmm_pipeline (format {found}, and this one knows {FORMAT}): "
            "update mmm_pipeline, or choose another --home"
        )
    if found and not is_writable(root):  # a home to look at
        read_mapping(dagster_file)
        return
    if not dagster_file.exists():
        write_text(dagster_file, _DAGSTER_HEADER + "".join(_DAGSTER_SECTIONS.values()))
    elif found < FORMAT:
        _add_sections(dagster_file)
    if not (root / _WORKSPACE_FILE).exists():
        write_text(root / _WORKSPACE_FILE, _WORKSPACE_TEXT)
    for file in (dagster_file, root / _WORKSPACE_FILE):
        read_mapping(file)
    if found < FORMAT:
        write_text(format_file, _FORMAT_TEXT)


def missing_sections(dagster_file: Path) -> list[str]:
    """Sections of a home's `dagster.yaml` that a new home has and this one lacks, because somebody took them out.

    Raises:
        SettingsError: the file is damaged.
        OSError: it cannot be read.
    """
    there = set(read_mapping(dagster_file))
    return [name for name in _DAGSTER_SECTIONS if name not in there and not _INSTEAD.get(name, set()) & there]


def read_mapping(file: Path) -> dict[str, Any]:
    """The content of a YAML file; Dagster would answer a damaged one with a traceback.

    Raises:
        SettingsError: it is no YAML, or has no section.
        OSError: it cannot be read.
    """
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        content = str(error).splitlines()[0]
    if not isinstance(content, dict):
        why = content if isinstance(content, str) else "no section in it"
        raise SettingsError(f"{file}: is damaged ({why}): correct it, or move it away to have it made anew")
    return content


def _format_of(root: Path) -> int:
    """0: there is no home yet."""
    file = root / _FORMAT_FILE
    if not file.exists():
        return 1 if (root / _DAGSTER_FILE).exists() else 0
    found = read_mapping(file).get("format")
    if not isinstance(found, int) or isinstance(found, bool):
        raise SettingsError(f"{file}: format = {found!r} is no number: correct it, or move the file away")
    return found


def _add_sections(dagster_file: Path) -> None:
    missing = missing_sections(dagster_file)
    text = dagster_file.read_text(encoding="utf-8")
    for name, earlier in _EARLIER_TEXTS.items():
        if earlier in text and read_mapping(dagster_file).get(name) == yaml.safe_load(earlier)[name]:
            text = text.replace(earlier, "")
            missing.append(name)
    if not missing:
        return
    added = "".join(_DAGSTER_SECTIONS[name] for name in missing)
    write_text(dagster_file, f"{text.rstrip()}\n{_ADDED}{added}")
    logger.warning(
        "%s: added %s, which a home of an earlier release lacks; restart `mmm ui` where it runs",
        dagster_file,
        ", ".join(missing),
    )
