"""pipeline.yaml: what is accepted, and how a mistake is explained."""

from __future__ import annotations

from pathlib import Path

import pytest

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.settings.pipeline import Settings, load_settings, parse_settings


def write(folder: Path, text: str) -> Path:
    path = folder / "pipeline.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_an_empty_file_means_the_defaults(tmp_path: Path) -> None:
    assert load_settings(write(tmp_path, "")) == Settings()


def test_the_default_grid_has_nine_specs() -> None:
    model = Settings().model
    assert len(model.adstocks) * len(model.degrees) == 9


def test_an_unknown_key_names_itself_and_the_closest_known_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"unknown key 'sampler.chain'; did you mean 'chains'"):
        load_settings(write(tmp_path, "sampler: {chain: 4}"))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("sampler: {chains: 1}", "sampler.chains = 1"),
        ("split: {holdout: 0}", "split.holdout = 0"),
        ("model: {adstocks: [geometric]}", "model.adstocks.0 = 'geometric'"),
        ("model: {degrees: [1, 1]}", "lists a value twice"),
        ("source: {kind: file}", "source.path is required"),
        ("budget: {lower: 2, upper: 1}", r"budget.lower and upper is \[2.0, 1.0\]: accepted is 0 <= low <= high"),
        ("budget: {bounds: {tv: [2, 1]}}", r"budget.bounds\['tv'\]"),
        ("budget: {amounts: {tv: [0, .inf]}}", "budget.amounts.tv.1 = inf: Input should be a finite number"),
        ("budget: {total: 5, target_kpi: 9}", "budget.total and budget.target_kpi exclude each other"),
        ("budget: {bounds: {tv: [1, 2]}, amounts: {tv: [1, 2]}}", "'tv' is in budget.bounds and in budget.amounts"),
        (
            "budget: {target_marginal_roi: 1, groups: {a: {channels: [tv], total: 5}}}",
            "do not go with a target",
        ),
        ("budget: {target_kpi: 9, risk: {measure: quantile}}", "'quantile' goes with a total, not with a target"),
        ("budget: {risk: {measure: var}}", "budget.risk.measure = 'var'"),
        ("budget: {risk: {probability: 1}}", "budget.risk.probability = 1"),
        ("budget: {risk: {kapa: 1}}", "unknown key 'budget.risk.kapa'; did you mean 'kappa'"),
        ("budget: {groups: {a: {channels: [], total: 5}}}", "budget.groups.a.channels"),
        (
            "budget: {groups: {a: {channels: [tv, tv], total: 5}}}",
            r"groups\['a'\] names a channel twice: tv, tv",
        ),
        ("budget: {total: 4, groups: {a: {channels: [tv], total: 5}}}", "5.00 in all, more than budget.total 4.00"),
        ("priors: {media_scale: 0}", "priors.media_scale = 0"),
        ("priors: {media: {kind: total_share}, media_scale: 2}", "goes with priors.media.kind spend_share, not with"),
        ("priors: {media: {kind: total_share, mean: 1.2}}", "is a share of the KPI"),
        ("priors: {media: {kind: spend_share, mean: 0.4}}", "goes with kind total_share or roi"),
        ("priors: {media: {kind: roi, mean: 2}}", "needs mean and sd"),
        ("priors: {media: {kind: total_share, family: normal}}", "priors.media.family goes with kind roi"),
        ("priors: {roi: {tv: {mean: 2, sd: 2, family: uniform}}}", "reaches below 0: the sd is at most 0.577"),
        ("priors: {roi: {tv: {mean: -1, sd: 1}}}", "priors.roi.tv.mean = -1"),
        (
            "priors: {lift_tests: [{channel: tv, spend: 10, incremental_kpi: -5, standard_error: 1}]}",
            "the ROI of 'tv' is not above 0",
        ),
        ("controls: {signs: {price: down}}", "controls.signs.price = 'down'"),
        ("events: {calendar: [{event: Sale, dates: []}]}", "events.calendar.0.dates"),
        ("report: {languages: [fr]}", "report.languages.0 = 'fr'"),
        ("ranking: {least_converged_specs: 0}", "ranking.least_converged_specs = 0"),
        (
            "ranking: {least_converged_specs: 3}\nmodel: {adstocks: [adstock], degrees: [1, 2]}",
            r"has 2 spec\(s\), and no more can converge",
        ),
    ],
)
def test_an_impossible_value_names_its_key_and_value(tmp_path: Path, text: str, key: str) -> None:
    with pytest.raises(SettingsError, match=key):
        load_settings(write(tmp_path, text))


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        parse_settings({"sampler": {"chains": 0}, "split": {"holdout": 0}})
    assert "sampler.chains" in str(caught.value)
    assert "split.holdout" in str(caught.value)


@pytest.mark.parametrize("text", ["a: [", "- 1\n- 2\n", "42"])
def test_text_that_is_not_a_mapping_is_one_clear_error(tmp_path: Path, text: str) -> None:
    with pytest.raises(SettingsError, match=r"pipeline\.yaml"):
        load_settings(write(tmp_path, text))


def test_a_missing_file_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(tmp_path / "absent.yaml")


def test_relative_paths_are_taken_from_the_file_s_folder(tmp_path: Path) -> None:
    settings = load_settings(write(tmp_path, "source: {kind: file, path: rows.csv}"))
    assert settings.source.path == tmp_path / "rows.csv"


def test_a_quick_look_says_so_and_draws_less() -> None:
    settings = Settings()
    quick = settings.for_quick_look()
    assert quick.quick
    assert quick.sampler.draws < settings.sampler.draws
    assert quick.convergence.ess_min < settings.convergence.ess_min


def test_settings_survive_a_round_trip_through_the_home(tmp_path: Path) -> None:
    from mmm_pipeline.storage.home import Home

    home = Home(tmp_path / "home")
    home.prepare()
    settings = parse_settings(
        {"source": {"kind": "file", "path": str(tmp_path / "광고.csv")}, "channels": {"exclude": ["=x"]}}
    )
    assert load_settings(home.remember_settings(settings)) == settings


def test_lift_tests_are_beliefs_on_roi_beside_those_given_directly() -> None:
    test = {"channel": "tv", "spend": 100, "incremental_kpi": 250, "standard_error": 40}
    priors = parse_settings({"priors": {"roi": {"tv": {"mean": 2, "sd": 1}}, "lift_tests": [test]}}).priors
    assert priors.beliefs() == {"tv": [(2.0, 1.0), (2.5, 0.4)]}
