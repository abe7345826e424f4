"""Checks that a system declares, and those that a package offers: asked, judged, listed, and refused where they are wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest
from click.testing import CliRunner, Result
from jsonschema import Draft202012Validator
from tests.diagnosis.building import NOW, ready, snapshot, told
from tests.probes.service import Service

from muster.base.errors import ClusterError, UsageError
from muster.cli.main import commands
from muster.diagnosis import Diagnosis, diagnose
from muster.kube import Cluster
from muster.kube.execution import ExecResult
from muster.monitoring.testing import LocalMonitoring
from muster.schemas import DIRECTORY
from muster.snapshot import save_snapshot
from muster.snapshot.gather import gather
from muster.snapshot.questions import asked_for
from muster.snapshot.system import told_of
from muster.system import SystemDefinition, read_system

GOOD = """\
schema: muster/system/v1
name: shop
namespace: shop
service: {name: web, port: 8080, url: URL}
read: {request: {path: /items}}
database: {service: db, instances: [db-a, db-b], topology: db-topology}
monitoring:
  prometheus: {url: PROMETHEUS, limit_s: 1}
checks:
  queue:
    promql: max(orders_waiting)
    summary: orders wait
    at_most: 500
    severity: P2
  prices:
    http: {request: {path: /prices}, check: {prices: {at_least: 1}}}
  orders:
    sql: select count(*) from orders where paid is null
    at_most: 10
"""


def system(
    directory: Path, *, url: str = "http://127.0.0.1:1", prometheus: str = "http://127.0.0.1:1", **changes: str
) -> SystemDefinition:
    (directory / "manifests").mkdir(exist_ok=True)
    account = "{apiVersion: v1, kind: ServiceAccount, metadata: {name: web}}"
    (directory / "manifests" / "account.yaml").write_text(account)
    text = GOOD.replace("URL", url).replace("PROMETHEUS", prometheus)
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    (directory / "system.yaml").write_text(text)
    return read_system(directory)


WRONG = {
    "asks nobody": ("    promql: max(orders_waiting)\n", "", r"line 10: 'checks.queue' is wrong: right would be one of 'http', 'sql' and 'promql', not none"),
    "asks two": ("    sql: select", "    promql: up\n    sql: select", r"line \d+: 'checks.orders' is wrong: right would be one of .*, not sql and promql"),
    "has no threshold": ("    at_most: 500\n", "", r"'checks.queue' is wrong: 'promql' needs a threshold, 'at_least' or 'at_most', or any value would do"),
    "contradicts itself": ("at_most: 500", "at_most: 500\n    at_least: 501", r"nothing is at least 501 and at most 500"),
    "misspells a key": ("at_most: 500", "at_moost: 500", r"line 13: 'checks.queue.at_moost' is not a key that is known here; did you mean 'at_most'\?"),
    "has a threshold that is none": ("at_most: 500", "at_most: many", r"line 13: 'checks.queue.at_most' is wrong: .*not 'many'"),
    "has a severity that is none": ("severity: P2", "severity: P9", r"line 14: 'checks.queue.severity' is wrong"),
    "has a category that is none": ("severity: P2", "category: all sorts", r"line 14: 'checks.queue.category' is wrong"),
    "has a name that is none": ("  queue:\n", "  Queue Length:\n", r"line 10: 'checks.Queue Length"),
    "would change something": ("request: {path: /prices}", "request: {method: DELETE, path: /prices}", r"'checks.prices.http' is wrong: 'request' must not change anything"),
    "bounds an answer": ("check: {prices: {at_least: 1}}}", "check: {prices: {at_least: 1}}}\n    at_most: 3", r"of an answer over HTTP bounds stand below 'http.check'"),
    "has a level that is less severe": ("severity: P2", "severity: P2\n    levels: {P3: {at_most: 900}}", r"level P3 is not more severe than the check's own severity, P2"),
    "has a level that is never reached": ("severity: P2", "severity: P2\n    levels: {P1: {at_most: 400}}", r"'at_most' of level P1 is not above that of P2"),
    "has a level of the other side": ("severity: P2", "severity: P2\n    levels: {P1: {at_least: 4}}", r"'at_least' of level P1 is not below that of P2"),
    "has a level without a bound": ("severity: P2", "severity: P2\n    levels: {P1: {}}", r"right would be 'at_least' or 'at_most'"),
    "has levels of no numbers": ("check: {prices: {at_least: 1}}}", "check: {prices: {at_least: 1}}}\n    levels: {P1: {at_most: 3}}", r"'levels' are of numbers, and an answer over HTTP has none"),
    "names an instance that is none": ("at_most: 10\n", "at_most: 10\n    instance: db-c\n", r"line \d+: check 'orders' asks instance 'db-c'; did you mean 'db-[ab]'\?"),
    "asks no database": ("database: {service: db, instances: [db-a, db-b], topology: db-topology}\n", "", r"line \d+: check 'orders' asks by SQL, and there is no 'database' of kind 'streaming'"),
    "asks no Prometheus": ("prometheus:", "alertmanager:", r"line 11: check 'queue' asks by PromQL, and there is no 'monitoring.prometheus'"),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_a_check_that_is_wrong_is_refused_with_word_and_line(tmp_path: Path, name: str) -> None:
    old, new, message = WRONG[name]
    with pytest.raises(UsageError, match=message) as refused:
        system(tmp_path, **{old: new})
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("value", "said"), [(500, None), (501, "P3"), (1001, "P2"), (5001, "P1")])
def test_a_value_is_as_severe_as_the_highest_level_that_it_is_beyond(
    tmp_path: Path, prometheus: LocalMonitoring, value: float, said: str | None
) -> None:
    levels = "severity: P3\n    levels: {P1: {at_most: 5000}, P2: {at_most: 1000}}"
    prometheus.values = {"max(orders_waiting)": [value]}
    diagnosis = looked_at(system(tmp_path, prometheus=prometheus.url, **{"severity: P2": levels}))
    assert found(diagnosis).get("queue", (None, ""))[0] == said


@pytest.fixture
def prometheus() -> Iterator[LocalMonitoring]:
    with LocalMonitoring() as monitoring:
        yield monitoring


def looked_at(definition: SystemDefinition) -> Diagnosis:
    """With a cluster that does not answer: what Prometheus knows is asked all the same."""

    def unreachable() -> Cluster:
        raise ClusterError("the cluster is away")

    return diagnose(gather(unreachable, definition, namespace="shop", within=5))


def found(diagnosis: Diagnosis) -> dict[str, tuple[str, str]]:
    return {
        cause.ref.name: (cause.severity, cause.finding.reason)
        for cause in diagnosis.causes
        if cause.ref.kind == "Check"
    }


def test_a_value_beyond_its_threshold_is_found_and_one_within_is_not(
    tmp_path: Path, prometheus: LocalMonitoring
) -> None:
    definition = system(tmp_path, prometheus=prometheus.url)
    prometheus.values["max(orders_waiting)"] = [3.0, 512.0]
    assert found(looked_at(definition)) == {"queue": ("P2", "orders wait: is 512, and may be at most 500")}
    prometheus.values["max(orders_waiting)"] = [3.0, 500.0]
    diagnosis = looked_at(definition)
    assert found(diagnosis) == {}
    assert "check queue" not in {one.what for one in diagnosis.unknown}


def test_a_value_that_is_not_there_is_unknown_and_never_well(tmp_path: Path, prometheus: LocalMonitoring) -> None:
    definition = system(tmp_path, prometheus=prometheus.url)
    why = {one.what: one.why for one in looked_at(definition).unknown}
    assert "has no value of max(orders_waiting)" in why["check queue"]
    prometheus.stop()
    why = {one.what: one.why for one in looked_at(definition).unknown}
    assert "cannot be asked" in why["check queue"]
    assert why["check prices"] == "nobody was asked"


def asked(cluster: object, definition: SystemDefinition, name: str) -> dict[str, Any]:
    answer = dict(asked_for(cast("Cluster", cluster), definition))[f"check {name}"]()
    assert isinstance(answer, dict)
    return answer


def judged(definition: SystemDefinition, name: str, answer: dict[str, Any]) -> list[tuple[str, str, str]]:
    kept = snapshot([], system=told_of(definition), answers={f"check {name}": answer})
    return [told(cause) for cause in diagnose(kept).causes if cause.ref == ("Check", "shop", name)]


def test_an_answer_over_http_is_held_to_what_it_must_hold(tmp_path: Path) -> None:
    with Service() as service:
        service.pages["/prices"] = {"prices": []}
        definition = system(tmp_path, url=service.url)
        answer = asked(Elsewhere, definition, "prices")
        assert [reason for *_, reason in judged(definition, "prices", answer)] == [f"{answer['trouble']}"]
        assert "prices" in answer["trouble"]
        service.pages["/prices"] = {"prices": [1]}
        assert judged(definition, "prices", asked(Elsewhere, definition, "prices")) == []


class Elsewhere:
    """A cluster that is none of muster's own: the service is at the address that system.yaml says."""

    embedded = False


class Databases:
    """Two instances, of which one is the primary; `says` is what it answers to what the check asks."""

    def __init__(self, says: ExecResult) -> None:
        self.says = says
        self.asked: list[tuple[str, tuple[str, ...]]] = []

    def list(self, *_: object) -> list[dict[str, Any]]:
        return [ready(f"{name}-0", owner=("StatefulSet", name)) for name in ("db-a", "db-b")]

    def execute(self, pod: str, _: str, command: list[str], **__: object) -> ExecResult:
        if "pg_is_in_recovery" in command[-1]:
            return ExecResult(0, "t\n" if pod == "db-b-0" else "f\n", "")
        self.asked.append((pod, tuple(command)))
        return self.says


def test_a_value_of_the_database_is_asked_of_its_primary_and_only_read(tmp_path: Path) -> None:
    definition, databases = system(tmp_path), Databases(ExecResult(0, "12\n", ""))
    answer = asked(databases, definition, "orders")
    assert judged(definition, "orders", answer) == [("Check", "orders", "is 12, and may be at most 10")]
    ((pod, command),) = databases.asked
    assert pod == "db-b-0"
    assert "default_transaction_read_only=on" in " ".join(command)
    assert command[-1] == "select count(*) from orders where paid is null"
    databases.says = ExecResult(0, "t|x\nf|y\n", "")
    assert asked(databases, definition, "orders")["values"] == [1.0]


@pytest.mark.parametrize(
    ("says", "why"),
    [
        (ExecResult(0, "", ""), "db-b answers '', which is no number"),
        (ExecResult(0, "many\n", ""), "db-b answers 'many', which is no number"),
        (ExecResult(1, "", 'ERROR:  relation "orders"\n does not exist'), 'db-b answers: ERROR: relation "orders" does not exist'),
    ],
)  # fmt: skip
def test_what_the_database_answers_and_is_no_value_is_unknown(tmp_path: Path, says: ExecResult, why: str) -> None:
    with pytest.raises(ClusterError) as refused:
        asked(Databases(says), system(tmp_path), "orders")
    assert str(refused.value) == why


def test_the_secret_words_of_a_question_are_masked(tmp_path: Path) -> None:
    definition = system(tmp_path, **{"where paid is null": "where url = 'postgres://joe:hunter2@db/x'"})
    assert "hunter2" not in str(asked(Databases(ExecResult(0, "1\n", "")), definition, "orders"))


# From the command line.


def muster(*arguments: str | Path) -> Result:
    return CliRunner().invoke(commands, ["diagnose", *map(str, arguments)])


def test_they_are_listed_and_chosen_as_others_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    definition = system(tmp_path)
    listed = json.loads(muster("--list", "--json", "--system", tmp_path / "system.yaml").stdout)
    schema = Draft202012Validator(json.loads((DIRECTORY / "checks-v1.json").read_text()))
    assert [error.message for error in schema.iter_errors(listed)] == []
    by_name = {one["name"]: one["summary"] for one in listed["checks"]}
    assert (by_name["queue"], by_name["prices"]) == ("orders wait", "an answer over HTTP, as system.yaml says")
    assert "pods" in by_name
    answers = {"check queue": {"asked": "max(orders_waiting)", "values": [900.0]}}
    save_snapshot(snapshot([], system=told_of(definition), answers=answers), tmp_path / "kept.json")
    said = muster("--from", tmp_path / "kept.json", "--check", "queue")
    assert (said.exit_code, said.stdout.splitlines()[0]) == (
        1,
        "P2  Check queue: orders wait: is 900, and may be at most 500",
    )
    assert muster("--from", tmp_path / "kept.json", "--check", "pods").exit_code == 0


def test_a_name_that_muster_has_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    system(tmp_path, **{"  queue:\n": "  pods:\n"})
    said = muster("--list", "--system", tmp_path / "system.yaml")
    assert (said.exit_code, said.stderr) == (
        64,
        "muster: check 'pods' exists twice; rename the one of system.yaml, or of your package\n",
    )


MISUSES = {
    "an unknown check": (["--check", "podds"], "muster: check 'podds' not known (there are: faults, procedures, pods, "),
    "a time that is none": (["-n", "shop", "--within", "31"], "muster: '--within 31' is no time for a diagnosis; right would be up to 30 seconds\n"),
    "no time at all": (["-n", "shop", "--within", "0"], "muster: '--within 0' is no time for a diagnosis; right would be up to 30 seconds\n"),
    "a namespace of a file": (["--from", "kept.json", "-n", "shop"], "muster: --from looks at a file: a namespace or a context is none of it; leave them out\n"),
    "a scenario of nothing": (["--scenario", "x"], "muster: --scenario names one of a file's scenarios; right would be --from FILE --scenario NAME\n"),
    "one and all": (["-A", "-n", "shop"], "muster: -n and --all-namespaces contradict each other\n"),
    "nothing to look at": ([], "muster: there is no system.yaml that names a namespace; right would be -n NAME or --all-namespaces\n"),
    "no file": (["--from", "gone.json"], "muster: snapshot gone.json cannot be read: No such file or directory\n"),
}  # fmt: skip


@pytest.mark.parametrize("name", MISUSES)
def test_a_wrong_use_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.chdir(tmp_path)
    arguments, message = MISUSES[name]
    said = muster(*arguments)
    assert (said.exit_code, said.stdout) == (64, "")
    assert said.stderr.startswith(message)
    assert said.stderr.count("\n") == 1


FILES = {
    "another schema": ('{"schema": "muster/snapshot/v9"}', "is of schema 'muster/snapshot/v9', and this muster reads 'muster/snapshot/v1'"),
    "half a snapshot": ('{"schema": "muster/snapshot/v1", "taken": "x"}', "is no whole snapshot (KeyError: 'namespace'); right would be a snapshot of muster"),
    "a time that is none": ('{"schema": "muster/snapshot/v1", "taken": "yesterday", "namespace": "", "context": "", "kubernetes": "", "listed": [], "objects": [], "logs": [], "system": {}, "answers": {}, "missing": []}', "is no whole snapshot (ValueError: Invalid isoformat string: 'yesterday')"),
    "something else": ('{"a": 1}', "is no snapshot; right would be"),
    "no JSON": ("{", "is no JSON ("),
    "a list of nothing": ('{"kind": "List", "items": 3}', "is no whole snapshot (TypeError: 'items' is no list)"),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_snapshot_is_told_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    content, message = FILES[name]
    (tmp_path / "kept.json").write_text(content)
    said = muster("--from", "kept.json")
    assert said.exit_code == 64
    assert said.stderr.startswith(f"muster: kept.json {message}")
    assert said.stderr.count("\n") == 1


# From another package.

MODULE = """
from muster.checks.check import Check, Finding, Harm, Unknown
from muster.snapshot import ref_of


def unlabelled(seen):
    for item in seen.of("Deployment"):
        if "team" not in (item["metadata"].get("labels") or {}):
            yield Finding(ref_of(item), "belongs to no team", Harm.NONE)


def broken(seen):
    yield Finding(ref_of(seen.of("Deployment")[0]), "is not told, as what comes after it fails", Harm.NONE)
    raise KeyError("team")


TEAM = Check("team", "every Deployment belongs to a team", "configuration and secrets", unlabelled, needs=("Deployment",))
BROKEN = Check("broken", "it fails", "configuration and secrets", broken)
"""


@pytest.fixture
def distribution(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place on the path where a distribution `shopchecks` is installed, as pip would leave it."""
    site = tmp_path / "site"
    info = site / "shopchecks-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "shopchecks_of_ours.py").write_text(MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: shopchecks\nVersion: 1.0\n")
    monkeypatch.syspath_prepend(site)
    return info


def test_a_package_offers_checks_that_are_made_with_the_others(distribution: Path) -> None:
    (distribution / "entry_points.txt").write_text(
        "[muster.checks]\nteam = shopchecks_of_ours:TEAM\nbroken = shopchecks_of_ours:BROKEN\n"
    )
    objects = json.dumps(
        {
            "kind": "List",
            "items": [
                {
                    "kind": "Deployment",
                    "metadata": {"name": "web", "namespace": "shop", "creationTimestamp": NOW},
                    "spec": {"replicas": 0},
                }
            ],
        }
    )
    (distribution / "list.json").write_text(objects)
    said = json.loads(muster("--from", distribution / "list.json", "--json").stdout)
    assert [(one["name"], one["reason"], one["check"]) for one in said["findings"]] == [
        ("web", "belongs to no team", "team")
    ]
    assert said["unknown"] == [{"what": "check broken", "why": "it failed with KeyError: 'team'"}]
    assert "every Deployment belongs to a team" in muster("--list").stdout


@pytest.mark.parametrize(
    ("points", "why"),
    [
        ("team = shopchecks_of_ours:GONE", "check 'team' (shopchecks_of_ours:GONE) cannot be loaded: "),
        ("team = not_there_at_all:TEAM", "check 'team' (not_there_at_all:TEAM) cannot be loaded: No module named"),
        ("team = shopchecks_of_ours:MODULE", "check 'team' (shopchecks_of_ours:MODULE) cannot be loaded: "),
        ("team = shopchecks_of_ours:unlabelled", "check 'team' (shopchecks_of_ours:unlabelled) is no muster.checks.check.Check"),
        ("one = shopchecks_of_ours:TEAM\ntwo = shopchecks_of_ours:TEAM", "check 'team' exists twice; rename"),
    ],
)  # fmt: skip
def test_an_offer_that_is_none_is_told_in_one_sentence(distribution: Path, points: str, why: str) -> None:
    (distribution / "entry_points.txt").write_text(f"[muster.checks]\n{points}\n")
    said = muster("--list")
    assert said.exit_code == 64
    assert said.stderr.startswith(f"muster: {why}")
    assert said.stderr.count("\n") == 1
