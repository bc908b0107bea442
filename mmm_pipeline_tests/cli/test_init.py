"""`mmm init`, and files without settings."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mmm_pipeline.cli.main import app
from mmm_pipeline.settings.pipeline import load_settings

RUN = CliRunner()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "500")
    lines = ["day,platform,views,costs,revenue"]
    for number in range(100):
        day = dt.date(2024, 1, 1) + dt.timedelta(days=number)
        lines += [f"{day},tv,{100 + number % 7},{10 + number % 5},{300 + number % 11}", f"{day},web,{number},4,0"]
    (tmp_path / "ads.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return tmp_path


def test_init_writes_settings_that_check_reads(folder: Path) -> None:
    done = RUN.invoke(app, ["init", "ads.csv"])

    assert done.exit_code == 0, done.output
    assert "next: mmm check" in done.output
    assert "'costs': spend" in (folder / "pipeline.yaml").read_text(encoding="utf-8")
    assert load_settings(folder / "pipeline.yaml").columns.spend == "costs"

    checked = RUN.invoke(app, ["check", "--json"])
    report = json.loads(checked.stdout)
    rows = [line.split(",") for line in (folder / "ads.csv").read_text(encoding="utf-8").splitlines()[1:]]
    assert report["totals"]["kpi"] == sum(float(row[4]) for row in rows)
    assert report["totals"]["channels"] == [
        {
            "channel": name,
            "media": sum(float(row[2]) for row in rows if row[1] == name),
            "spend": sum(float(row[3]) for row in rows if row[1] == name),
        }
        for name in ("tv", "web")
    ]
    assert report["columns"]["channel"] == "platform"


def test_init_never_replaces_settings_unasked(folder: Path) -> None:
    (folder / "pipeline.yaml").write_text("# mine\n", encoding="utf-8")

    done = RUN.invoke(app, ["init", "ads.csv"])

    assert done.exit_code == 1
    assert "is there already" in done.output
    assert (folder / "pipeline.yaml").read_text(encoding="utf-8") == "# mine\n"


def test_init_tells_programs_and_writes_nothing(folder: Path) -> None:
    done = RUN.invoke(app, ["init", "ads.csv", "--json"])

    found = json.loads(done.stdout)
    assert found["sure"]
    assert found["tables"][0]["step"] == "day"
    assert found["settings"]["columns"]["media"] == "views"
    assert not (folder / "pipeline.yaml").exists()


def test_doubts_are_told_where_nobody_can_be_asked(folder: Path) -> None:
    header, *lines = (folder / "ads.csv").read_text(encoding="utf-8").splitlines()
    text = "\n".join([f"{header},orders", *(f"{line},1" for line in lines)])
    (folder / "ads.csv").write_text(text + "\n", encoding="utf-8")

    for command in (["init", "ads.csv"], ["check", "ads.csv"], ["run", "ads.csv"]):
        done = RUN.invoke(app, command)
        assert done.exit_code == 1
        assert "'revenue' is taken for the KPI (its name). Or is it 'orders'?" in done.output
    assert not (folder / "pipeline.yaml").exists()

    assert RUN.invoke(app, ["init", "ads.csv", "--yes"]).exit_code == 0


def test_a_file_without_settings_is_read_as_it_looks(folder: Path) -> None:
    done = RUN.invoke(app, ["check", "ads.csv"])

    assert done.exit_code == 0, done.output
    assert "there is no pipeline.yaml; the columns are read as they look" in done.output
    assert "recognised from the file" in done.output


def test_weeks_dated_by_their_last_day_are_read_so(folder: Path) -> None:
    monday = dt.date(2023, 1, 2)
    ads = ["week,platform,impressions,spend"]
    for week in range(60):
        ads += [f"{monday + dt.timedelta(days=7 * week + 6)},tv,{100 + week},{10 + week % 5}"]
    orders = ["day,revenue", *(f"{monday + dt.timedelta(days=day)},{300 + day % 11}" for day in range(420))]
    (folder / "ads.csv").write_text("\n".join(ads) + "\n", encoding="utf-8")
    (folder / "orders.csv").write_text("\n".join(orders) + "\n", encoding="utf-8")

    done = RUN.invoke(app, ["init", "ads.csv", "orders.csv", "--yes"])
    report = json.loads(RUN.invoke(app, ["check", "--json"]).stdout)

    reason = "weeks end on the Sunday that they are dated by: the daily rows begin on 2023-01-02, six days before"
    assert reason in done.output
    text = (folder / "pipeline.yaml").read_text(encoding="utf-8")
    assert "time:  # the date of a weekly row is the last day of its week\n  week_date: end\n" in text
    assert f"# {reason}" in text
    assert report["totals"]["kpi"] == sum(300 + day % 11 for day in range(420))


def test_what_init_states_of_controls_is_explained_where_it_is_written(folder: Path) -> None:
    header, *lines = (folder / "ads.csv").read_text(encoding="utf-8").splitlines()
    text = "\n".join([f"{header},temperature", *(f"{line},{5 + at // 2}" for at, line in enumerate(lines))])
    (folder / "ads.csv").write_text(text + "\n", encoding="utf-8")

    RUN.invoke(app, ["init", "ads.csv"])

    written = (folder / "pipeline.yaml").read_text(encoding="utf-8")
    said = "# you say that these do not follow from the KPI; remove a name if it may"
    assert f"  independent: [temperature]  {said}\n" in written
    assert load_settings(folder / "pipeline.yaml").controls.independent == ("temperature",)


def test_every_line_that_is_not_sure_is_counted(folder: Path) -> None:
    weeks = [dt.date(2023, 1, 8) + dt.timedelta(days=7 * week) for week in range(10)]
    ads = ["week,platform,impressions,spend,revenue,orders", *(f"{week},tv,10,1.5,7,3" for week in weeks)]
    sales = ["week,total_sales,units", *(f"{week},90,4" for week in weeks)]
    (folder / "ads.csv").write_text("\n".join(ads) + "\n", encoding="utf-8")
    (folder / "sales.csv").write_text("\n".join(sales) + "\n", encoding="utf-8")

    done = RUN.invoke(app, ["init", "ads.csv", "sales.csv", "--yes"])

    told, summary = done.output.split("! not sure in ")
    assert told.count("not sure") == 3  # the KPI of either table, and the day that dates the weeks
    assert summary.startswith("3 place(s)")


def test_numbers_that_can_be_read_in_two_ways_are_settled_by_an_option(folder: Path) -> None:
    days = [dt.date(2024, 1, 1) + dt.timedelta(days=day) for day in range(100)]
    lines = [
        "day;platform;views;costs;revenue",
        *(f"{day};tv;10;1.{100 + at};{20 + at % 7}" for at, day in enumerate(days)),
    ]
    (folder / "ads.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    refused = RUN.invoke(app, ["init", "ads.csv"])
    assert refused.exit_code == 1
    assert "source.decimal: comma reads" in refused.output

    for decimal, spend in (("comma", sum(1100 + at for at in range(100))), ("point", 114.95)):
        done = RUN.invoke(app, ["init", "ads.csv", "--decimal", decimal, "--yes"])
        assert done.exit_code == 0, done.output
        assert load_settings(folder / "pipeline.yaml").source.decimal == decimal
        report = json.loads(RUN.invoke(app, ["check", "--json"]).stdout)
        assert report["totals"]["channels"][0]["spend"] == pytest.approx(spend)


def test_columns_that_are_recognised_and_not_used_are_named(folder: Path) -> None:
    lines = ["date,tv_spend,tv_impressions,tv_reach,tv_frequency,revenue"]
    lines += [
        f"{dt.date(2024, 1, 1) + dt.timedelta(days=n)},{10 + n % 5},{90 + n},{50 + n},2,{300 + n}" for n in range(60)
    ]
    (folder / "tv.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    done = RUN.invoke(app, ["init", "tv.csv", "--yes"])

    told = "recognised, but the model does not use: 'tv_reach', 'tv_frequency'"
    assert told in done.output
    assert f"# {told}" in (folder / "pipeline.yaml").read_text(encoding="utf-8")
    other = RUN.invoke(app, ["init", "ads.csv", "--yes", "--output", "ads.yaml"])
    assert "does not use" not in other.output
