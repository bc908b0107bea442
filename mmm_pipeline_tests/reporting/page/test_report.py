"""The report: one page that loads and runs nothing, verdict first, whatever the data is called."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from mmm_pipeline.reporting.charts.catalog import Chart
from mmm_pipeline.reporting.narratives.template import Narratives, offline_narratives
from mmm_pipeline.reporting.page.report import write_report
from mmm_pipeline.reporting.page.summary import build_summary
from mmm_pipeline.reporting.results.tables import Language
from mmm_pipeline_tests.reporting.conftest import WrittenReport
from mmm_pipeline_tests.reporting.synthetic_results import HOSTILE_NAMES, synthetic_results

PERMISSIVE = MarkdownIt("commonmark", {"html": True}).enable("table")
_VOID = {"meta", "img", "input", "br", "hr", "line", "circle", "path"}


class Page(HTMLParser):
    """What a page holds: tags with attributes, text by article, and whether its tags nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self.unbalanced: list[str] = []
        self._open: list[str] = []
        self._article = ""
        self.feed(html)
        self.unbalanced += self._open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "article":
            self._article = dict(attrs)["lang"] or ""
        if tag not in _VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        self.text[self._article] = self.text.get(self._article, "") + data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attrs for name, attrs in self.tags if name == tag]


def _page(report: WrittenReport) -> Page:
    return Page(report.files.html.read_text(encoding="utf-8"))


@pytest.mark.parametrize("which", ["report", "hostile_report", "uncertain_report"])
def test_the_page_can_request_nothing_and_run_nothing(which: str, request: pytest.FixtureRequest) -> None:
    page = _page(request.getfixturevalue(which))
    assert page.unbalanced == []
    assert not {"script", "iframe", "object", "embed", "link", "base", "form"} & {tag for tag, _ in page.tags}
    assert all((image["src"] or "").startswith("data:image/png;base64,") for image in page.all("img"))
    assert all((link["href"] or "").startswith("#") for link in page.all("a"))
    assert not any(name.startswith("on") for _, attrs in page.tags for name in attrs)
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert (policy or "").startswith("default-src 'none'")
    assert not re.search(r"url\(|@import", "".join(page.text.values()))


def test_every_link_of_the_contents_leads_somewhere(report: WrittenReport) -> None:
    page = _page(report)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    assert {(link["href"] or "").removeprefix("#") for link in page.all("a")} <= set(ids)


def test_every_picture_is_inside_with_its_words(report: WrittenReport) -> None:
    page = _page(report)
    inlined = {image["src"] for image in page.all("img")}
    for charts in report.charts.values():
        for chart in charts:
            assert f"data:image/png;base64,{base64.b64encode(chart.path.read_bytes()).decode()}" in inlined
            assert chart.alt in [image["alt"] for image in page.all("img")]


def test_both_languages_are_in_the_page_and_the_first_is_shown(report: WrittenReport) -> None:
    page = _page(report)
    assert "How far to trust it" in page.text["en"]
    assert "얼마나 믿을 수 있는가" in page.text["ko"]
    switches = {switch["id"]: "checked" in switch for switch in page.all("input")}
    assert switches == {"show-en": True, "show-ko": False}


def test_one_language_needs_no_switch(tmp_path: Path) -> None:
    tables = synthetic_results(2, settings={"report": {"languages": ["ko"]}})
    files = write_report(tables, {"ko": []}, {"ko": Narratives("a", "b", "c")}, tmp_path)
    page = Page(files.html.read_text(encoding="utf-8"))
    assert page.all("input") == []
    assert list(page.text) == ["", "ko"]
    assert [path.name for path in files.markdown] == ["report.md"]


def test_the_verdict_comes_before_every_table(report: WrittenReport) -> None:
    html = report.files.html.read_text(encoding="utf-8")
    assert html.index('class="verdict"') < html.index("<table")


@pytest.mark.parametrize("form", ["html", "markdown"])
def test_a_quick_run_and_a_beaten_model_are_announced_on_top(uncertain_report: WrittenReport, form: str) -> None:
    files = uncertain_report.files
    text = _page(uncertain_report).text["en"] if form == "html" else files.markdown[0].read_text(encoding="utf-8")
    top = text[: text.index("How far to trust it")]
    assert "Quick run: fewer draws, do not decide on it." in top
    assert "No model here predicts better than a simple forecast." in top
    assert "Quick run" not in top.replace("Quick run: fewer draws, do not decide on it.", "")


@pytest.mark.parametrize(
    ("language", "said"),
    [
        ("en", "did not converge (R-hat 1.006, effective sample size 388, divergent draws: 0)"),
        ("ko", "수렴하지 않았습니다(R-hat 1.006, 유효 표본 크기 388, 발산 표본 0개)"),
    ],
)
def test_a_fit_that_did_not_converge_is_announced_on_top(tmp_path: Path, language: Language, said: str) -> None:
    tables = synthetic_results(2, quick=True, converged=False, settings={"report": {"languages": [language]}})
    files = write_report(tables, {language: []}, {language: Narratives("a", "b", "c")}, tmp_path)
    text = files.markdown[0].read_text(encoding="utf-8")
    assert said in text[: text.index("## ")]
    summary = build_summary(tables)["champion"]
    assert summary["converged"] is False
    assert summary["reason"].startswith("tail effective sample size below 400")


@pytest.mark.parametrize(("language", "said"), [("en", "There is no budget plan:"), ("ko", "예산 계획이 없습니다.")])
def test_without_a_plan_the_report_says_why_and_promises_nothing(tmp_path: Path, language: Language, said: str) -> None:
    tables = synthetic_results(2, no_plan="no_spend", settings={"report": {"languages": [language]}})
    narratives = offline_narratives(tables, language)
    files = write_report(tables, {language: []}, {language: narratives}, tmp_path)
    text = files.markdown[0].read_text(encoding="utf-8")
    assert said in text[: text.index("\n|")]
    assert "budget.total" in narratives.budget
    assert "\\*" not in narratives.budget
    assert "Worth doing" not in text
    summary = build_summary(tables)["budget"]
    assert (summary["verdict"], summary["no_plan"]) == ("no_plan", "no_spend")


def test_forty_channels_all_have_their_row(uncertain_report: WrittenReport) -> None:
    text = _page(uncertain_report).text["en"]
    markdown = uncertain_report.files.markdown[0].read_text(encoding="utf-8")
    for name in uncertain_report.tables.attribution["channel"]:
        assert text.count(name) >= 2
        assert f"| {name} (" in markdown


def test_hostile_names_are_shown_as_text(hostile_report: WrittenReport) -> None:
    text = _page(hostile_report).text["en"]
    assert "<script>alert(1)</script>" in text
    assert "[click](javascript:alert(1)) | **bold** `code`" in text
    assert "<img src=x onerror=alert(1)>" in text
    assert "\u202e" not in text


def test_the_markdown_report_stays_text_too(hostile_report: WrittenReport) -> None:
    for path in hostile_report.files.markdown:
        rendered = PERMISSIVE.render(path.read_text(encoding="utf-8"))
        assert not re.search(r"<(script|a|b)\b", rendered)
        sources = re.findall(r'<img src="([^"]*)"', rendered)
        assert sources
        assert all((path.parent / source).is_file() for source in sources)


def test_every_markdown_table_is_whole(hostile_report: WrittenReport, report: WrittenReport) -> None:
    for written in (hostile_report, report):
        for path in written.files.markdown:
            rendered = PERMISSIVE.render(path.read_text(encoding="utf-8"))
            tables = re.findall(r"<table>.*?</table>", rendered, flags=re.DOTALL)
            assert len(tables) >= 6
            for table in tables:
                rows = re.findall(r"<tr>.*?</tr>", table, flags=re.DOTALL)
                assert len({len(re.findall(r"<t[hd]\b", row)) for row in rows}) == 1
            assert not re.search(r"<p>\|", rendered)


def test_narratives_of_a_language_model_are_not_trusted(tmp_path: Path) -> None:
    evil = (
        "# Hi\n\n<script>alert(1)</script> [x](http://evil.example) ![y](http://evil.example/p.png) <http://z.example>"
    )
    tables = synthetic_results(2, settings={"report": {"languages": ["en"]}})
    files = write_report(tables, {"en": []}, {"en": Narratives(evil, evil, evil)}, tmp_path)
    page = Page(files.html.read_text(encoding="utf-8"))
    assert page.all("script") == page.all("img") == []
    assert all((link["href"] or "").startswith("#") for link in page.all("a"))
    assert not re.search(r"<(script|a|img)\b", PERMISSIVE.render(files.markdown[0].read_text(encoding="utf-8")))


def test_figures_in_the_page_are_those_of_the_tables(report: WrittenReport) -> None:
    text = _page(report).text["en"]
    attribution = report.tables.attribution
    for _, row in attribution.iterrows():
        assert f"USD {row['spend']:,.0f}" in text
    for _, row in report.tables.leaderboard.iterrows():
        assert f"{row['mape']:.1%}" in text


def test_paths_of_the_machine_are_not_told(tmp_path: Path) -> None:
    settings = {"source": {"kind": "file", "path": "/home/someone/secret folder/campaigns.csv"}}
    tables = synthetic_results(2, settings=settings)
    files = write_report(tables, {"en": []}, {"en": Narratives("", "", "")}, tmp_path)
    for path in (files.html, *files.markdown):
        text = path.read_text(encoding="utf-8")
        assert "campaigns.csv" in text
        assert "secret folder" not in text


def test_the_same_results_give_the_same_report(report: WrittenReport, tmp_path: Path) -> None:
    from mmm_pipeline.reporting.narratives.template import offline_narratives

    narratives = {language: offline_narratives(report.tables, language) for language in report.charts}
    again = write_report(report.tables, report.charts, narratives, tmp_path)
    assert again.html.read_bytes() == report.files.html.read_bytes()


def test_a_chart_that_no_section_names_is_shown_all_the_same(report: WrittenReport, tmp_path: Path) -> None:
    known = report.charts["en"][0]
    extra = Chart("trace_plots", known.path, "Traces", "Traces of the worst parameters.", "Trace plots.")
    tables = synthetic_results(2, settings={"report": {"languages": ["en"]}})
    files = write_report(tables, {"en": [extra]}, {"en": Narratives("", "", "")}, tmp_path)
    assert "Traces of the worst parameters." in files.html.read_text(encoding="utf-8")


def test_a_name_in_every_script_is_isolated_from_what_stands_beside_it(hostile_report: WrittenReport) -> None:
    html = hostile_report.files.html.read_text(encoding="utf-8")
    assert "<bdi>قناة إعلانية</bdi>" in html
    assert len(HOSTILE_NAMES) <= html.count("<bdi>")
