"""The Dockerfile and what is in deploy/, as far as it can be held without Docker and without a cluster."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from dagster import DagsterRun
from dagster._config import process_config
from dagster._core.instance.config import dagster_instance_config
from dagster._core.workspace.load import location_origins_from_yaml_paths

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"

# Keys of the chart's documented values, of which ours are some.
_CHART = {
    "": "global dagsterWebserver dagster-user-deployments postgresql generatePostgresqlPasswordSecret serviceAccount "
    "dagsterDaemon runLauncher computeLogManager telemetry concurrency retention ingress imagePullSecrets "
    "additionalInstanceConfig",
    "global": "postgresqlSecretName dagsterHome serviceAccountName celeryConfigSecretName dagsterInstanceConfigMap",
    "postgresql": "image enabled postgresqlHost postgresqlUsername postgresqlPassword postgresqlDatabase "
    "postgresqlParams postgresqlScheme service",
    "serviceAccount": "create name annotations",
    "dagsterWebserver": "replicaCount image nameOverride service workspace env envConfigMaps envSecrets volumes "
    "volumeMounts podSecurityContext securityContext resources annotations labels enableReadOnly pathPrefix",
    "dagsterDaemon": "enabled image runCoordinator heartbeatTolerance env envConfigMaps envSecrets volumes "
    "volumeMounts podSecurityContext securityContext resources annotations labels runMonitoring runRetries sensors "
    "schedules",
    "dagster-user-deployments": "enabled enableSubchart imagePullSecrets deployments",
    "runLauncher": "type config",
    "computeLogManager": "type config",
    "telemetry": "enabled",
    "concurrency": "enabled pools runs",
}
_USER_DEPLOYMENT = (
    "name image port dagsterApiGrpcArgs codeServerArgs includeConfigInLaunchedRuns env envConfigMaps envSecrets "
    "annotations podSecurityContext securityContext resources labels volumes volumeMounts livenessProbe startupProbe"
)


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def chart() -> dict[str, Any]:
    return yaml.safe_load((DEPLOY / "helm-values.yaml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (ROOT / "Dockerfile").read_text(encoding="utf-8")


def test_the_dockerfile_has_no_findings() -> None:
    hadolint = shutil.which("hadolint", path=str(Path(sys.executable).parent)) or shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: pip brings it on Linux x86_64 only")
    found = subprocess.run([hadolint, "--format", "json", str(ROOT / "Dockerfile")], capture_output=True, text=True)
    assert json.loads(found.stdout) == []


def test_the_image_runs_as_an_ordinary_user_and_says_whether_it_is_well(dockerfile: str) -> None:
    last_stage = dockerfile.rpartition("\nFROM ")[2]
    assert len(re.findall(r"^FROM \$\{BASE\}", dockerfile, flags=re.MULTILINE)) == 2
    assert re.search(r"^ARG BASE=python:3\.1[12]\.\d+-slim-\w+$", dockerfile, flags=re.MULTILINE)
    [user] = re.findall(r"^USER (\S+)$", last_stage, flags=re.MULTILINE)
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert "HEALTHCHECK" in last_stage


def test_the_image_is_pinned_and_has_extras_that_exist(dockerfile: str) -> None:
    [extras] = re.findall(r"pip install --constraint constraints\.txt '\.\[([\w,]+)\]'", dockerfile)
    known = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    assert set(extras.split(",")) <= set(known) - {"dev"}
    pinned = set(re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(encoding="utf-8"), re.MULTILINE))
    assert {"gcsfs", "dagster-postgres", "dagster-k8s", "psycopg2-binary", "dagster-webserver"} <= pinned


def test_nothing_gets_into_the_image_but_what_is_named(dockerfile: str) -> None:
    rules = [
        line
        for line in (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith("#")
    ]
    let_in = {rule.removeprefix("!") for rule in rules if rule.startswith("!")}
    assert rules[0] == "*"
    assert all((ROOT / name).exists() for name in let_in)
    copied = {name for line in re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile, re.MULTILINE) for name in line.split()}
    assert copied == let_in


def test_everything_that_the_package_is_built_of_is_in_the_image() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wheel = project["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert {f"!{name}" for name in (*wheel["packages"], *wheel["force-include"], project["project"]["readme"])} <= set(
        rules
    )


def test_no_container_is_root_has_rights_or_takes_whatever_image_is_newest(compose: dict[str, Any]) -> None:
    for service in compose["services"].values():
        assert service["user"] not in ("root", "0", "0:0")
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert re.search(r":\d+\.\d+[\w.-]*$", service["image"])


def test_dagster_s_webserver_is_never_started_without_the_guard(
    compose: dict[str, Any], chart: dict[str, Any], dockerfile: str
) -> None:
    assert compose["services"]["webserver"]["command"][0] == "mmm-webserver"
    # The chart starts the one that comes first on the PATH.
    assert "ln -s /opt/venv/bin/mmm-webserver /opt/mmm/bin/dagster-webserver" in dockerfile
    assert "ENV PATH=/opt/mmm/bin:/opt/venv/bin:" in dockerfile
    assert {"MMM_UI_NAMES"} <= set(chart["dagsterWebserver"]["env"]) & set(
        compose["services"]["webserver"]["environment"]
    )
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
    module, _, function = scripts["mmm-webserver"].partition(":")
    assert callable(getattr(importlib.import_module(module), function))


def test_the_ui_is_published_on_this_machine_only(compose: dict[str, Any]) -> None:
    published = {name: service["ports"] for name, service in compose["services"].items() if "ports" in service}
    assert published == {"webserver": ["127.0.0.1:${MMM_PORT:-3000}:3000"]}


def test_secrets_come_from_the_environment(compose: dict[str, Any]) -> None:
    values = {
        name: value
        for service in compose["services"].values()
        for name, value in service.get("environment", {}).items()
        if re.search("PASSWORD|KEY|URL|CREDENTIALS", name)
    }
    assert {"DAGSTER_PG_PASSWORD", "POSTGRES_PASSWORD", "GEMINI_API_KEY", "MMM_WEBHOOK_URL"} <= values.keys()
    assert [name for name, value in values.items() if not re.fullmatch(r"\$\{\w+:[-?][^}]*\}", value)] == []


def test_only_who_runs_the_steps_has_their_secrets(compose: dict[str, Any]) -> None:
    services = compose["services"]
    holders = [name for name, service in services.items() if "GEMINI_API_KEY" in service.get("environment", {})]
    assert holders == ["code"]


def test_the_containers_wait_for_what_they_need_and_are_watched(compose: dict[str, Any], dockerfile: str) -> None:
    services = compose["services"]
    needs = {name: set(service.get("depends_on", {})) for name, service in services.items()}
    assert needs == {
        "postgres": set(), "code": {"postgres"}, "webserver": {"postgres", "code"}, "daemon": {"postgres", "code"},
    }  # fmt: skip
    assert [name for name, service in services.items() if "healthcheck" not in service] == ["code"]  # the image's own
    assert "grpc-health-check" in dockerfile


@pytest.mark.parametrize("service", ["webserver", "daemon", "code"])
def test_the_commands_and_their_options_exist(service: str, compose: dict[str, Any], dockerfile: str) -> None:
    from dagster._cli import create_dagster_cli
    from dagster._daemon.cli import create_dagster_daemon_cli
    from dagster_webserver.cli import dagster_webserver

    known: dict[str, click.Command] = {
        "dagster": create_dagster_cli(),
        "dagster-daemon": create_dagster_daemon_cli(),
        "mmm-webserver": dagster_webserver,
    }
    in_image = json.loads(re.findall(r"^CMD (\[.*\])$", dockerfile, re.MULTILINE)[0])
    name, *words = compose["services"][service].get("command", in_image)
    command = known[name]
    while isinstance(command, click.Group):
        command = command.commands[words.pop(0)]
    _, left, _ = command.make_parser(click.Context(command)).parse_args(words)
    assert left == []


def test_the_workspace_is_that_of_the_code_server(compose: dict[str, Any]) -> None:
    [origin] = location_origins_from_yaml_paths([str(DEPLOY / "workspace.yaml")])
    assert origin.location_name == "mmm_pipeline"  # type: ignore[attr-defined]
    assert origin.host in compose["services"]  # type: ignore[attr-defined]


def test_dagster_accepts_the_instance_file(tmp_path: Path, compose: dict[str, Any]) -> None:
    shutil.copy(DEPLOY / "dagster.yaml", tmp_path)
    config, _ = dagster_instance_config(str(tmp_path))
    wanted = set(re.findall(r"\{env: (\w+)\}", (DEPLOY / "dagster.yaml").read_text(encoding="utf-8")))
    assert config["concurrency"]["pools"]["default_limit"] == 1
    for service in ("code", "webserver", "daemon"):
        assert wanted <= compose["services"][service]["environment"].keys()


@pytest.mark.parametrize("section", _CHART, ids=lambda name: name or "top")
def test_the_chart_knows_the_keys(chart: dict[str, Any], section: str) -> None:
    assert set(chart[section] if section else chart) <= set(_CHART[section].split())


def test_the_chart_knows_the_keys_of_the_code_location(chart: dict[str, Any]) -> None:
    [location] = chart["dagster-user-deployments"]["deployments"]
    assert set(location) <= set(_USER_DEPLOYMENT.split())
    images = [location["image"], chart["dagsterWebserver"]["image"], chart["dagsterDaemon"]["image"]]
    assert images.count(images[0]) == 3


def test_no_password_stands_in_the_values(chart: dict[str, Any]) -> None:
    assert "postgresqlPassword" not in chart["postgresql"]
    assert chart["generatePostgresqlPasswordSecret"] is False
    assert chart["dagsterWebserver"]["service"]["type"] == "ClusterIP"


@pytest.fixture
def launcher(chart: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The launcher of the values, outside a cluster."""
    dagster_k8s = pytest.importorskip("dagster_k8s", reason="the extra `k8s` is not installed")
    for name in ("DAGSTER_K8S_INSTANCE_CONFIG_MAP", "DAGSTER_K8S_PG_PASSWORD_SECRET"):
        monkeypatch.setenv(name, "made-up")
    monkeypatch.setenv("DAGSTER_K8S_PIPELINE_RUN_ENV_CONFIGMAP", "made-up")
    monkeypatch.setenv("DAGSTER_HOME", "/opt/dagster/dagster_home")
    custom = chart["runLauncher"]["config"]["customRunLauncher"]
    assert (custom["module"], custom["class"]) == ("dagster_k8s", "K8sRunLauncher")
    accepted = process_config(dagster_k8s.K8sRunLauncher.config_type(), custom["config"])
    assert accepted.success, accepted.errors
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "{apiVersion: v1, kind: Config, current-context: none, clusters: [{name: none, cluster: {server: http://none}}],"
        " contexts: [{name: none, context: {cluster: none, user: none}}], users: [{name: none, user: {}}]}"
    )
    outside = {"load_incluster_config": False, "kubeconfig_file": str(kubeconfig)}
    return dagster_k8s.K8sRunLauncher(**{**accepted.value, **outside})


def _pod(launcher: Any, tags: dict[str, str]) -> dict[str, Any]:
    from dagster_k8s.container_context import K8sContainerContext

    run = DagsterRun(job_name="refresh", tags=tags)
    return K8sContainerContext.create_for_run(run, launcher, include_run_tags=True).run_k8s_config.to_dict()


def test_the_pods_of_runs_are_ordinary_users_with_an_account_of_their_own(launcher: Any, chart: dict[str, Any]) -> None:
    pod = _pod(launcher, {})
    assert pod["pod_spec_config"]["security_context"]["run_as_non_root"] is True
    assert launcher.service_account_name != chart["serviceAccount"]["name"]


@pytest.mark.parametrize(
    "wanted",
    [
        {"container_config": {"image": "evil", "command": ["sh", "-c", "env"]}},
        {"container_config": {"security_context": {"privileged": True}}},
        {"pod_spec_config": {"service_account_name": "mmm-dagster"}},
        {"pod_spec_config": {"host_network": True, "volumes": [{"name": "root", "host_path": {"path": "/"}}]}},
        {"job_spec_config": {"ttl_seconds_after_finished": 1}},
    ],
    ids=str,
)
def test_tags_of_a_run_cannot_choose_its_pod(launcher: Any, wanted: dict[str, Any]) -> None:
    with pytest.raises(Exception, match="violated the allowed list"):
        _pod(launcher, {"dagster-k8s/config": json.dumps(wanted)})
