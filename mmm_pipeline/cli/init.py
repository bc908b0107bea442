"""`mmm init`: looks at files, says what it found, asks where it is not sure, and writes `pipeline.yaml`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from rich.markup import escape

from mmm_pipeline.cli.command_line import ReadableErrors, fail
from mmm_pipeline.cli.output import console, print_json
from mmm_pipeline.errors import SettingsError

if TYPE_CHECKING:
    from mmm_pipeline.ingestion.detection.findings import Detection

__all__ = ["init"]


def init(
    files: Annotated[
        list[Path],
        typer.Argument(help="Files with media, KPI and controls: CSV, XLSX, Parquet or Arrow.", metavar="FILE..."),
    ],
    output: Annotated[Path, typer.Option("--output", help="Settings file to write.")] = Path("pipeline.yaml"),
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Ask nothing: take the best guess, and replace the settings file.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON, and write nothing.")] = False,
    date_order: Annotated[
        Literal["auto", "day_first", "month_first"],
        typer.Option("--date-order", help="Of dates such as 03/04/2024, where a column can be read in two ways."),
    ] = "auto",
    decimal: Annotated[
        Literal["auto", "point", "comma"],
        typer.Option(
            "--decimal", help="Decimal mark of numbers such as 1,234, where a column can be read in two ways."
        ),
    ] = "auto",
) -> None:
    """Look at files, say what they hold and how sure that is, and write a pipeline.yaml that reads them."""
    with ReadableErrors():
        from mmm_pipeline.ingestion.detection.findings import detect
        from mmm_pipeline.ingestion.detection.settings import found_settings
        from mmm_pipeline.operations.initialising import detection_lines, detection_record, settings_of, settings_text
        from mmm_pipeline.storage.atomic_files import write_text

        folder = output.resolve().parent
        found = detect(files, date_order, decimal)
        if as_json:
            print_json(detection_record(found, found_settings(found, folder, date_order, decimal)))
            return
        shown = console()
        for line in detection_lines(found):
            shown.print(escape(line), highlight=False, soft_wrap=True)
        if not yes:
            found = _asked(found)
        settings_of(found, folder, date_order, decimal)  # what is written can be read
        if output.exists() and not yes:
            _may_overwrite(output)
        write_text(output, settings_text(found, folder, date_order, decimal))
    if yes and found.unsure_lines:
        shown.print(
            f"[yellow]![/yellow] not sure in {found.unsure_lines} place(s): see the comments of {escape(str(output))}",
            highlight=False,
            soft_wrap=True,
        )
    shown.print(f"written: {escape(str(output))}", highlight=False, soft_wrap=True)
    config = "" if output == Path("pipeline.yaml") else f" --config {shlex.quote(str(output))}"
    shown.print(f"next: mmm check{escape(config)}", highlight=False, soft_wrap=True)


def _is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _asked(found: Detection) -> Detection:
    """The same with every doubt answered on the terminal.

    Raises:
        SettingsError: there are doubts, and nobody is there to be asked.
    """
    from mmm_pipeline.ingestion.detection.findings import with_answer
    from mmm_pipeline.operations.initialising import doubt_sentence

    if found.doubts and not _is_terminal():
        questions = "\n".join(f"  {doubt_sentence(table, role)}" for table, role in found.doubts)
        raise SettingsError(
            f"not sure:\n{questions}\n  Run `mmm init` on a terminal to answer, or with --yes to take the first reading"
        )
    while found.doubts:
        table, role = found.doubts[0]
        own = role.header if role.role in ("date", "channel", "kpi") else role.role
        console(stderr=True).print(escape(doubt_sentence(table, role)), highlight=False, soft_wrap=True)
        answer = typer.prompt(
            f"one of {', '.join((own, *role.others))}", default=own, err=True, show_default=True
        ).strip()
        if answer in (own, *role.others):
            found = with_answer(found, table, role, answer)
    return found


def _may_overwrite(output: Path) -> None:
    """Raises SettingsError: the file is there, and nobody is there to be asked."""
    if not _is_terminal():
        raise SettingsError(f"{output} is there already: give --yes to replace it, or another --output")
    if not typer.confirm(f"{output} is there already. Replace it?", default=False, err=True):
        fail("nothing was written")
