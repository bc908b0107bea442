"""What the assets say of themselves in the UI."""

from __future__ import annotations

import dagster as dg
import pytest
from dagster._core.definitions.metadata import TableMetadataSet

from mmm_pipeline.errors import SettingsError
from mmm_pipeline.orchestration.headless import build_definitions
from mmm_pipeline.orchestration.metadata.lineage import column_lineage
from mmm_pipeline.orchestration.metadata.presentation import presented, question_of
from mmm_pipeline.orchestration.metadata.table_preview import for_people
from mmm_pipeline.settings.pipeline import parse_settings
from mmm_pipeline.storage.home import Home
from mmm_pipeline.tables.catalog import CONTRACTS


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> dg.AssetGraph:
    folder = tmp_path_factory.mktemp("home")
    config = folder / "pipeline.yaml"
    config.write_text("schedule: {owners: [ana@example.com, 'team:marketing']}", encoding="utf-8")
    return build_definitions(Home(folder), config).resolve_asset_graph()


def test_every_asset_has_group_kinds_owners_and_the_question_that_it_answers(graph: dg.AssetGraph) -> None:
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.group_name != "default", key
        assert node.kinds, key
        assert list(node.owners) == ["ana@example.com", "team:marketing"]
        assert (node.description or "").startswith(question_of(key.to_user_string())[1]), key


def test_every_table_shows_its_contract_s_columns(graph: dg.AssetGraph) -> None:
    for name, contract in CONTRACTS.items():
        schema = TableMetadataSet.extract(graph.get(dg.AssetKey(name)).metadata).column_schema
        assert [column.name for column in schema.columns] == list(contract.columns), name
        assert all(column.description for column in schema.columns), name


@pytest.mark.parametrize("table", [name for name in CONTRACTS if column_lineage(name) is not None])
def test_column_lineage_names_columns_that_exist(table: str) -> None:
    lineage = column_lineage(table)
    assert lineage is not None
    assert set(lineage.deps_by_column) <= set(CONTRACTS[table].columns)
    for sources in lineage.deps_by_column.values():
        for source in sources:
            assert source.column_name in CONTRACTS[source.asset_key.to_user_string()].columns, (table, source)


@pytest.mark.parametrize("owner", ["ana", "team:", "team:a b", "a@b", "<b>@example.com"])
def test_what_is_no_owner_is_refused_with_its_key(owner: str) -> None:
    with pytest.raises(SettingsError, match=r"schedule\.owners\.0"):
        parse_settings({"schedule": {"owners": [owner]}})


def test_an_asset_without_a_question_does_not_load() -> None:
    @dg.asset
    def nobody_knows_why() -> None: ...

    with pytest.raises(LookupError, match="'nobody_knows_why' has no question"):
        presented([nobody_knows_why], parse_settings({}), version=lambda group: "1")


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1.0023456, 1.002), (0.0012345678, 0.001235), (25914.327, 25914.0), (-1234.5, -1234.0), (0.0, 0.0), (1e18, 1e18)],
)
def test_figures_have_the_digits_that_a_person_reads(value: float, shown: float) -> None:
    assert for_people(value) == shown
