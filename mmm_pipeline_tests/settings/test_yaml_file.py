"""pipeline.yaml as text: hostile, broken and mistyped files end in one message with the line, within a second."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.pipeline import load_settings

LAUGHS = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9)}]\n" for level in range(1, 10)
)


def refusal(folder: Path, content: str | bytes) -> str:
    """The message with which a file is refused, without the path."""
    path = folder / "pipeline.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    before = time.perf_counter()
    with pytest.raises(SettingsError) as caught:
        load_settings(path)
    assert time.perf_counter() - before < 1.0
    assert str(caught.value).startswith(str(path))
    return str(caught.value).removeprefix(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("budget: {lower: 0.9}\nreport: {}\nbudget: {upper: 3}\n", "'budget' is given twice, in line 1 and in line 3"),
        (
            "budget:\n  risk:\n    kappa: 1\n    measure: mean\n    kappa: 2\n",
            "'budget.risk.kappa' is given twice, in line 3 and in line 5",
        ),
        (
            "events:\n  calendar:\n  - {event: Sale, dates: [2025-01-01], event: Fair}\n",
            "'events.calendar.0.event' is given twice, in line 3 and in line 3",
        ),
        (
            "budget: {bounds: {tv: [1, 2],\n  'tv': [1, 3]}}",
            "'budget.bounds.tv' is given twice, in line 1 and in line 2",
        ),
    ],
)
def test_a_key_given_twice_is_refused_with_both_lines(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, text)


def test_the_same_key_in_two_sections_is_no_repetition(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_text("sampler: {chains: 2, draws: 50}\nengines: {chains: 3, draws: 60}\n")
    settings = load_settings(tmp_path / "pipeline.yaml")
    assert (settings.sampler.draws, settings.engines.draws) == (50, 60)


def test_a_few_aliases_are_fine(tmp_path: Path) -> None:
    text = "budget:\n  bounds:\n    tv: &narrow [0.8, 1.2]\n    radio: *narrow\n"
    (tmp_path / "pipeline.yaml").write_text(text)
    assert load_settings(tmp_path / "pipeline.yaml").budget.bounds == {"tv": (0.8, 1.2), "radio": (0.8, 1.2)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (LAUGHS + "channels: {exclude: *a9}\n", "stands for more than 100,000 values"),
        ("channels: &a\n  exclude: *a\n", "holds an alias (*) to itself"),
        ("a: " + "[" * 200_000, ", line 1: is nested more than 30 levels deep"),
        ("a:\n" + "".join(f"{' ' * depth}b:\n" for depth in range(1, 60)), "is nested more than 30 levels deep"),
        (f"sampler:\n  seed: {'9' * 6000}\n", "line 2: sampler.seed = 99999"),
        ("sampler: {seed: 9007199254740993}", "sampler.seed = 9007199254740993: is too large a number"),
        ("sampler: {draws: 10000000}", "sampler.draws = 10000000: Input should be less than or equal to 1000000"),
        ("sampler: {seed: 1.0e+400}", "line 1: sampler.seed = inf"),
        ("channels:\n  min_spend: .nan\n", ", line 2: channels.min_spend = nan: Input should be a finite number"),
        ("split: {holdout_start: 2025-02-30}", "split.holdout_start = 2025-02-30: cannot be read: day is out of range"),
        ("# " + "x" * 1_000_001, "is larger than 1,000,000 bytes"),
        (b"# ok\nreport:\n  currency: \xa3\n", ", line 3: is not UTF-8 text (byte 0xa3): save the file as UTF-8"),
        ("report: {}".encode("utf-16"), "is not UTF-8 text (byte 0xff)"),
        (b"PK\x03\x04\x00\x00\x08", "is not valid YAML"),
        ("- source\n- model\n", "expected sections such as 'source:' and 'model:', found list"),
        ("campaigns.csv\n", "expected sections such as 'source:' and 'model:', found str"),
        ("[]\n", "expected sections such as 'source:' and 'model:', found list"),
        ("a: {}\n---\nb: {}\n", "expected a single document"),
        ("? [a, b]\n: c\n", "line 1: a list or section stands where a key is expected"),
        ("a: !!python/object/apply:os.system [ls]\n", "could not determine a constructor"),
        ("source:\n\tkind: demo\n", "(a tab: indent with spaces)"),
    ],
)  # fmt: skip
def test_a_broken_or_hostile_file_is_one_message(tmp_path: Path, content: str | bytes, message: str) -> None:
    assert message in refusal(tmp_path, content)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no /dev/zero here")
def test_a_file_without_end_is_not_read_to_its_end() -> None:
    with pytest.raises(SettingsError, match="is larger than"):
        load_settings(Path("/dev/zero"))


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    (tmp_path / "pipeline.yaml").write_bytes(b"\xef\xbb\xbfreport: {currency: EUR}\n")
    assert load_settings(tmp_path / "pipeline.yaml").report.currency == "EUR"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sampler:\n  draws: 50\n  chains: 1\n", ", line 3: sampler.chains = 1"),
        ("model:\n  adstocks:\n  - adstock\n  - geometric\n", ", line 4: model.adstocks.1 = 'geometric'"),
        ("report:\n\n  curency: EUR\n", ", line 3: unknown key 'report.curency'; did you mean 'currency'"),
        ("budget:\n  lower: 2\n  upper: 1\n", ", line 1: budget = "),
        ('report:\n  currency: NO\n', ', line 2: report.currency = False: Input should be a valid string: write it in '
         'quotes, "NO"'),
        ("columns: {date: 2024}", 'write it in quotes, "2024"'),
        ("schedule: {owners: [ana]}", "schedule.owners.0 = 'ana': accepted: shown on every asset in the UI: email"),
    ],
)  # fmt: skip
def test_a_wrong_value_is_told_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    assert message in refusal(tmp_path, text)


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    assert len(refusal(tmp_path, f"report: {{currency: {'x' * 50_000}}}")) < 500


@pytest.mark.parametrize(
    "cron",
    [
        "0 6 31 2 *",
        "0 6 31 4 *",
        "0 6 30,31 2 *",
        "0 0 6 * * 1",
        "every monday",
        "60 6 * * *",
        "0 6 * * 8",
        "* *",
        "",
        "0 6 LW * *",
        "0 6 * * 5L",
    ],
)
def test_a_schedule_that_cannot_be_read_or_never_comes_is_refused(tmp_path: Path, cron: str) -> None:
    message = refusal(tmp_path, f"schedule:\n  cron: '{cron}'\n")
    assert message.startswith(f", line 2: schedule.cron = '{cron}': cannot be read as a schedule, or never comes")


@pytest.mark.parametrize(
    "cron", ["30 5 * * 1-5", "0 6 1 */3 *", "0 6 29 2 *", "*/15 8-18 * * mon", "0 6 L * *", "0 6 * * 1#2", "@daily"]
)
def test_a_schedule_that_is_accepted_is_one_for_dagster(tmp_path: Path, cron: str) -> None:
    import dagster as dg

    dg.TimeWindowPartitionsDefinition(start="2025-01-01", fmt="%Y-%m-%d", cron_schedule=cron)
    (tmp_path / "pipeline.yaml").write_text(f"schedule: {{cron: '{cron}', timezone: Asia/Seoul}}")
    assert load_settings(tmp_path / "pipeline.yaml").schedule.cron == cron


@pytest.mark.parametrize("zone", ["KST", "EST5EDTX", "../../etc/passwd", "Europe", ""])
def test_a_time_zone_that_does_not_exist_is_refused(tmp_path: Path, zone: str) -> None:
    message = refusal(tmp_path, f"schedule: {{timezone: '{zone}'}}")
    assert f"schedule.timezone = '{zone}': there is no such time zone" in message


def test_a_misspelt_time_zone_is_told_with_the_closest(tmp_path: Path) -> None:
    assert "did you mean Europe/Berlin?" in refusal(tmp_path, "schedule: {timezone: Europe/Berln}")
