"""CSV as it is met: every delimiter, line end and quoting; two readers, one meaning."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mmm_pipeline.errors import CampaignDataError
from mmm_pipeline.ingestion.sources import csv_file as csv_source
from mmm_pipeline.ingestion.sources import text_scan
from mmm_pipeline.ingestion.sources.csv_file import stage_csv
from mmm_pipeline.ingestion.sources.headers import WantedColumns
from mmm_pipeline.ingestion.sources.staging import Staging, staging_area

WANTED = WantedColumns({"date": "a", "channel": "b", "kpi": "c"}, "columns", "source.sheet")
Rows = list[tuple[object, ...]]


@pytest.fixture(scope="module", autouse=True)
def staging(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Staging]:
    """One database for all tests, so that thousands of small files are read in seconds."""
    global _staging
    with staging_area(tmp_path_factory.mktemp("staging")) as _staging:
        yield _staging


_staging: Staging


def staged(
    content: str | bytes, *, by_record: bool = False, wanted: WantedColumns = WANTED
) -> tuple[tuple[str, ...], Rows, Rows]:
    """Headers, rows and refused rows; `by_record` forbids the fast reader."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        path = Path(folder) / "file.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        if by_record:
            patch.setattr(csv_source, "_read_at_once", lambda *_: False)
        names = stage_csv(_staging, path, wanted).roles.names
    rows = _staging.connection.execute("SELECT * FROM source ORDER BY line_number").fetchall()
    refused = 'SELECT line_number, reason, "row" FROM refused ORDER BY line_number'
    return names, rows, _staging.connection.execute(refused).fetchall()


def was_fast(content: str, monkeypatch: pytest.MonkeyPatch) -> bool:
    slow = []
    monkeypatch.setattr(csv_source, "_read_by_record", lambda *_, **__: slow.append(True))
    staged(content)
    return not slow


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(delimiter: str) -> None:
    content = "\n".join(delimiter.join(line) for line in (["a", "b", "c"], ["1", "x y", "3"]))

    assert staged(content) == (("a", "b", "c"), [(2, "1", "x y", "3")], [])


def test_the_delimiter_is_the_one_that_shows_the_wanted_headers() -> None:
    wanted = WantedColumns({"date": "a", "kpi": "b"}, "columns", "source.sheet")
    names, rows, _ = staged("a;b;c|d|e|f|g\n1,5;2;3|4|5|6|7\n", wanted=wanted)

    assert names == ("a", "b", "c|d|e|f|g")
    assert rows == [(2, "1,5", "2", "3|4|5|6|7")]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("closed", [True, False])
def test_line_ends_do_not_matter(end: str, closed: bool) -> None:
    content = end.join(["a,b,c", "1,2,3", "4,5,6"]) + (end if closed else "")

    assert staged(content)[1] == [(2, "1", "2", "3"), (3, "4", "5", "6")]


def test_mixed_line_ends_do_not_matter() -> None:
    assert staged("a,b,c\r\n1,2,3\n4,5,6\r\n")[1] == [(2, "1", "2", "3"), (3, "4", "5", "6")]


def test_a_byte_order_mark_is_no_part_of_the_header() -> None:
    assert staged(b"\xef\xbb\xbfa,b,c\n1,2,3\n")[0] == ("a", "b", "c")


def test_lines_before_the_header_may_be_blank() -> None:
    names, rows, _ = staged("\n\n a,b,c\n1,2,3\n")

    assert names == ("a", "b", "c")
    assert rows == [(4, "1", "2", "3")]


def test_a_path_with_wildcards_is_one_file(staging: Staging, tmp_path: Path) -> None:
    folder = tmp_path / "year=2021" / "[1]"
    folder.mkdir(parents=True)
    for name, value in (("data[1]*.csv", "this"), ("data1x.csv", "other")):
        (folder / name).write_text(f"a,b,c\n1,2,{value}\n")

    stage_csv(staging, folder / "data[1]*.csv", WANTED)
    assert staging.connection.execute("SELECT c2 FROM source").fetchall() == [("this",)]


def test_plain_files_take_the_fast_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    assert was_fast('a,b,c\r\n1,"Nov 08, 2021","x""y"\r\n', monkeypatch)


@pytest.mark.parametrize("content", ['a,b,c\n1,"x\ny",3\n', "a,b,c\n1,2\n", 'a,b,c\n1, "x",3\n', "a,b,c\n\n1,2,3\n"])
def test_what_the_fast_reader_could_misread_is_read_by_record(content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not was_fast(content, monkeypatch)


FIELD = st.one_of(
    st.text(
        st.sampled_from(["x", "y", " ", ",", ";", '"', "\n", "\t", "'", "#", "\\", "é", "한", "\u00a0"]),
        max_size=5,
    ),
    st.sampled_from(["", "NULL", "nan", "1,234.50", "Nov 08, 2021", "\\N", "--", "\u2028"]),
)


@given(st.lists(st.tuples(FIELD, FIELD, FIELD), max_size=6), st.sampled_from(["\n", "\r\n"]), st.sampled_from([0, 1]))
@settings(max_examples=40, deadline=None)
def test_what_a_csv_writer_wrote_is_read_back(table: list[tuple[str, str, str]], end: str, quoting: int) -> None:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator=end, quoting=quoting)
    writer.writerow(["a", "b", "c"])
    writer.writerows(table)

    _, rows, refused = staged(stream.getvalue())

    # A space after a delimiter is no part of a field.
    written = [tuple(field.lstrip(" ") or None for field in row) for row in table]
    read = [tuple((field and str(field).lstrip(" ")) or None for field in row[1:]) for row in rows]
    assert refused == []
    assert read == written


PIECE = st.text(st.sampled_from(["1", "x", '"', '"', " ", "\t", "'", "\\", ";", "é", "#"]), max_size=4)
QUOTED = PIECE.map(lambda text: '"' + text.replace('"', '""') + '"')
LINE = st.one_of(
    st.tuples(PIECE | QUOTED, PIECE | QUOTED, PIECE | QUOTED).map(",".join),
    st.lists(PIECE | QUOTED, max_size=5).map(",".join),
)


@given(st.lists(LINE, min_size=1, max_size=8), st.sampled_from(["\n", "\r\n", "\r"]))
@example(['1,"a"b,3', "1,2,3"], "\n")
@example(['"1,2,3', "1,2,3", '1,"2",3'], "\n")
@example(['1,2,"3'], "\n")
@example(['1,5" nail,3'], "\n")
@settings(max_examples=60, deadline=None)
def test_both_readers_agree_on_any_lines(lines: list[str], end: str) -> None:
    content = end.join(["a,b,c", *lines])

    assert staged(content) == staged(content, by_record=True)


@given(st.lists(LINE, min_size=1, max_size=8))
@settings(max_examples=40, deadline=None)
def test_nothing_written_in_a_line_is_lost(lines: list[str]) -> None:
    marked = [f"{line}@{number}" for number, line in enumerate(lines)]
    _, rows, refused = staged("\n".join(["a,b,c", *marked]))

    kept = " ".join(str(field) for row in [*rows, *refused] for field in row)
    assert [kept.count(f"@{number}") for number in range(len(lines))] == [1] * len(lines)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"a,b,c\n1,2,\x00\n4,5,6\n7,8,9\n", "line 2 holds the byte 0x00"),
        (b"a,b,c\n1,2,3\n4,5,\x1a\n", "line 3 holds the byte 0x1A"),
        ("a,b,c\n1,2,é".encode()[:-1], "damaged letter: line 2 holds the byte 0xC3"),
        ("a,b,c\n1,2,é한\n4,5,".encode() + b"\xe9\n", "damaged letter: line 3 holds the byte 0xE9"),
        (b"a,b,c\n1,2,\x81\n", "is no UTF-8, CP949 or Windows-1252"),
        ("a,b,c\n1,2,3\n".encode("utf-16")[:-1], "UTF-16 text, which it is not all through"),
        (b"\n \n\n", "only blank lines"),
        (b'"a,b,c\n1,2,3\n', "header line has a quote"),
    ],
)
def test_what_is_no_table_is_one_clear_error(content: bytes, message: str) -> None:
    with pytest.raises(CampaignDataError, match=message):
        staged(content)


@pytest.mark.parametrize(
    ("encoding", "name", "note"),
    [
        ("utf-16", "Größe €5", "read as UTF-16 text, as its byte order mark says"),
        ("utf-16-le", "한", "read as UTF-16 text, because every other byte is zero"),
        ("utf-16-be", "x", "read as UTF-16 text, because every other byte is zero"),
        ("utf-32", "한글", "read as UTF-32 text, as its byte order mark says"),
        ("cp1252", "Größe €5 – été", "read as Windows-1252: it is not UTF-8 (byte 0xF6 in line 2). If names look odd"),
        ("cp949", "매출 상위", "read as CP949 (Korean): it is not UTF-8 (byte 0xB8 in line 2)"),
        ("utf-8-sig", "한글é🚀", None),
    ],
)
def test_text_in_another_encoding_is_read_and_the_assumption_said(
    tmp_path: Path, encoding: str, name: str, note: str | None
) -> None:
    path = tmp_path / "rows.csv"
    path.write_bytes(f"a,b,c\r\n1,2,{name}\r\n4,5,6\r\n".encode(encoding))

    table = stage_csv(_staging, path, WANTED)

    rows = _staging.connection.execute("SELECT * FROM source ORDER BY line_number").fetchall()
    assert rows == [(2, "1", "2", name), (3, "4", "5", "6")]
    assert table.where == str(path)
    assert [said[: len(note or "")] for said in table.notes] == ([] if note is None else [note])


def test_a_character_split_between_two_reads_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_scan, "_CHUNK_BYTES", 7)

    assert staged("a,b,c\r\n1,2,한글é🚀\r\n4,5,6\r\n")[1] == [(2, "1", "2", "한글é🚀"), (3, "4", "5", "6")]


def test_too_many_broken_quotes_end_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_source, "_MOST_BROKEN_QUOTES", 3)

    with pytest.raises(CampaignDataError, match="more than 3 lines have quotes that do not close, the last one line 5"):
        staged("a,b,c\n" + '1,"x"y,3\n' * 5)


def test_a_field_beyond_any_length_is_a_quote_that_does_not_close() -> None:
    long = "\n".join(["1,2,3"] * 40_000)
    _, rows, refused = staged(f'a,b,c\n1,"2,3\n{long}\n')

    assert [row[:2] for row in refused] == [(2, "malformed_quotes")]
    assert len(rows) == 40_000


# Lines above the header.


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_title_lines_above_the_header_are_skipped_and_told(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    content = end.join(["Campaign report", '"January 1, 2025 - April 30, 2025"', "", "a,b,c", "1,2,3", ""])

    names, rows, refused = staged(content)

    assert (names, rows, refused) == (("a", "b", "c"), [(5, "1", "2", "3")], [])
    assert staged(content, by_record=True)[1] == rows
    assert was_fast(content, monkeypatch)


def test_a_title_with_a_broken_quote_hides_no_header() -> None:
    assert staged('"Q1" report, by "me\na,b,c\n1,2,3\n')[1] == [(3, "1", "2", "3")]


def test_what_was_skipped_is_a_note(staging: Staging, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Report\nAll time\na,b,c\n1,2,3\n")
    (tmp_path / "b.csv").write_text("\na,b,c\n1,2,3\n")

    notes = stage_csv(staging, tmp_path / "a.csv", WANTED).notes
    assert notes == ("the header is line 3; 2 lines of text above it not read",)
    assert stage_csv(staging, tmp_path / "b.csv", WANTED).notes == ()


def test_the_likeliest_header_is_named_when_none_has_the_columns(staging: Staging, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("Report\nDay,Campaign,Cost\n1,2,3\n")

    with pytest.raises(CampaignDataError, match=r"(?s)a\.csv, line 2: 3 required.*found: 'Day', 'Campaign', 'Cost'"):
        stage_csv(staging, tmp_path / "a.csv", WANTED)


def test_a_quoted_header_without_the_columns_is_told_what_it_lacks(staging: Staging, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('"Day","Campaign","Cost"\n1,2,"na"\n')

    with pytest.raises(CampaignDataError, match=r"(?s)a\.csv: 3 required.*found: 'Day', 'Campaign', 'Cost'"):
        stage_csv(staging, tmp_path / "a.csv", WANTED)


def test_a_header_is_not_looked_for_in_the_whole_file(staging: Staging, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("x,y\n" + "1,2\n" * 50 + "a,b,c\n")

    with pytest.raises(CampaignDataError, match="3 required"):
        stage_csv(staging, tmp_path / "a.csv", WANTED)


# Files that nobody should open.


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_line_of_megabytes_is_refused_by_its_number(end: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_scan, "_CHUNK_BYTES", 1 << 16)
    monkeypatch.setattr(text_scan, "LONGEST_LINE", 1 << 17)
    line = ",".join(["x" * 1_000] * 300)

    with pytest.raises(CampaignDataError, match="line 3 is longer than"):
        staged(end.join(["a,b,c", "1,2,3", line, "4,5,6"]))
    short = end.join(["a,b,c", *["1,2,3"] * 50_000])
    assert len(staged(short)[1]) == 50_000


def test_a_long_line_is_not_read_to_its_end(tmp_path: Path, staging: Staging) -> None:
    path = tmp_path / "a.csv"
    with path.open("w") as file:
        file.write("a,b,c\n1,2,")
        for _ in range(6):
            file.write("x" * (1 << 20))
        file.write("\0")

    with pytest.raises(CampaignDataError, match="line 2 is longer than 4 MiB"):
        stage_csv(staging, path, WANTED)


def test_a_long_header_is_not_called_a_quote(tmp_path: Path, staging: Staging) -> None:
    (tmp_path / "a.csv").write_text("x" * 140_000 + ",a,b,c\n0,1,2,3\n")

    with pytest.raises(CampaignDataError, match="line 1 has a field of more than 131,072 characters"):
        stage_csv(staging, tmp_path / "a.csv", WANTED)


def test_a_field_beyond_any_length_is_a_refused_row() -> None:
    _, rows, refused = staged(f"a,b,c\n1,2,3\n4,{'x' * 140_000},6\n7,8,9\n")

    assert [row[0] for row in rows] == [2, 4]
    assert [row[:2] for row in refused] == [(3, "field_too_long")]
    assert len(str(refused[0][2])) < 30_000


def test_zero_bytes_without_end_are_named_by_their_line(tmp_path: Path, staging: Staging) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"a,b,c\n1,2,3\n")
    with path.open("r+b") as file:
        file.truncate(1 << 32)

    with pytest.raises(CampaignDataError, match="line 3 holds the byte 0x00"):
        stage_csv(staging, path, WANTED)


def test_a_wide_file_is_staged_by_its_roles_and_rows_still_differ() -> None:
    header = ",".join(["a", *(f"x{at}" for at in range(600)), "b", "c"])
    lines = [",".join(["1", *([""] * 599), other, "2", "3"]) for other in ("", "p", "q")]

    names, rows, refused = staged("\n".join([header, *lines, "1,2"]))

    assert names == ("a", "b", "c", "(other columns)")
    assert rows == [(2, "1", "2", "3", None), (3, "1", "2", "3", "x599=p"), (4, "1", "2", "3", "x599=q")]
    assert refused == [(5, "too_few_fields", '{"a": "1", "x0": "2"}')]


def test_long_texts_of_other_columns_are_told_apart() -> None:
    header = ",".join(["a", *(f"x{at}" for at in range(600)), "b", "c"])
    lines = [",".join(["1", *(["long value"] * 599), last, "2", "3"]) for last in ("p", "q", "p")]

    texts = [row[4] for row in staged("\n".join([header, *lines]))[1]]

    assert texts[0] == texts[2] != texts[1]
    assert max(len(str(text)) for text in texts) < 3_000


def test_a_wide_file_of_which_every_column_counts_is_refused(tmp_path: Path, staging: Staging) -> None:
    (tmp_path / "a.csv").write_text(",".join(["a", *(f"x{at}" for at in range(600))]) + "\n")
    wanted = WantedColumns({"date": "a"}, "controls", "controls.source.sheet", needs_all=True)

    with pytest.raises(
        CampaignDataError, match=r"601 columns, .*'x599' in column 601; at most 500 .* controls.columns"
    ):
        stage_csv(staging, tmp_path / "a.csv", wanted)


def test_a_record_of_endless_quoted_lines_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_source, "LONGEST_LINE", 10_000)
    endless = '1,"x' + '","\n' * 5_000 + '",3'

    _, rows, refused = staged(f"a,b,c\n{endless}\n4,5,6\n")

    assert (2, "malformed_quotes") in [row[:2] for row in refused]
    assert rows[-1][1:] == ("4", "5", "6")
