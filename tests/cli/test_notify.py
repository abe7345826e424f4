"""People are told by the commands that are typed, and the commands say who was."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from jsonschema import Draft202012Validator

from muster.base.errors import MusterError
from muster.base.waiting import wait_for
from muster.cli.main import commands
from muster.notices import Outbox
from muster.notices.testing import KEY, TOKEN, LocalReceiver
from muster.schemas import DIRECTORY

Typed = Callable[..., str]
SYSTEM = """
schema: muster/system/v1
name: shop
namespace: shop
service: {name: shop, port: 8080}
read: {request: {path: /items.json}}
"""
SERVICE = (
    "{apiVersion: v1, kind: Service, metadata: {name: shop}, spec: {selector: {app: shop}, ports: [{port: 8080}]}}"
)


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> Iterator[LocalReceiver]:
    with LocalReceiver() as receiver:
        monkeypatch.setenv("MUSTER_NOTICES_OPS", receiver.webhook)
        monkeypatch.setenv("MUSTER_NOTICES_ONCALL", receiver.events)
        yield receiver


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Typed:
    """Types a command in a project with a system; returns both outputs."""
    directory = tmp_path / "systems/shop"
    (directory / "manifests").mkdir(parents=True)
    (directory / "system.yaml").write_text(SYSTEM)
    (directory / "manifests/shop.yaml").write_text(SERVICE)
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("USER", "kim")
    monkeypatch.setattr("muster.cli.posting.AT_ONCE_S", 60.0)  # no test hangs on the machine being fast
    for name in ("CI", "MUSTER_HISTORY", "PYTEST_ADDOPTS"):
        monkeypatch.delenv(name, raising=False)

    def muster(*words: str, code: int = 0) -> str:
        done = CliRunner().invoke(commands, words)
        if isinstance(done.exception, MusterError):
            assert code == 64, done.exception
            return str(done.exception)
        assert done.exit_code == code, done.output + repr(done.exception)
        return done.output

    return muster


def told(typed: Typed, schema: str, *words: str, code: int = 0) -> dict:  # type: ignore[type-arg]
    found = json.loads(typed(*words, "--json", code=code))
    Draft202012Validator(json.loads((DIRECTORY / f"{schema}-v1.json").read_text())).validate(found)
    return found


def opened(typed: Typed, *words: str) -> str:
    said = typed("incident", "open", "orders hang", *words)
    return next(line for line in said.splitlines() if line.startswith("opened")).split()[1]


def test_people_are_told_of_an_incident_from_its_opening_to_its_end(typed: Typed, there: LocalReceiver) -> None:
    said = typed("incident", "open", "orders hang", "--severity", "P2", "--began", "10m")
    assert "  told: oncall, ops\n" in said
    identity = next(line for line in said.splitlines() if line.startswith("opened")).split()[1]
    typed("incident", "ack")
    typed("incident", "grade", "latest", "P1", "all clients now")
    typed("incident", "resolve", "latest", "selector put back")
    assert [*there.alerts.values()] == [["trigger", "acknowledge", "trigger", "resolve"]], "under one key"
    assert there.told == [
        "P2 shop: orders hang",
        "taken up: P2 shop: orders hang",
        "P1 shop: orders hang",
        "over: P1 shop: orders hang",
    ]
    entries = json.loads(typed("incident", "show", "--json"))["entries"]
    noted = [entry["text"] for entry in entries if entry["kind"] == "notice"]
    assert "[graded anew]" in typed("notify", "list", "--all")
    assert sorted(noted) == sorted(
        f"{channel} was told: {subject}" for channel in ("oncall", "ops") for subject in there.told
    )
    assert "ops was told: P2 shop: orders hang" in typed("incident", "review"), "in what was done"
    assert identity in typed("notify", "list", "--all")
    assert typed("notify", "list") == "all notices have arrived\n"


def test_an_incident_does_not_fail_because_a_channel_is_down_and_is_told_later(
    typed: Typed, there: LocalReceiver
) -> None:
    there.stop()
    said = typed("incident", "open", "orders hang", "--severity", "P1")
    assert (
        "muster: ops is not told yet (json: Connection refused); later by the monitor, or: muster notify flush" in said
    )
    assert "ops: waits, tried once: json: Connection refused; again " in typed("notify", "list", code=1)
    assert "would tell ops: P1 shop: orders hang" in typed("notify", "flush", "--plan")
    assert "✗ ops: P1 shop: orders hang\n    json: Connection refused\n" in typed("notify", "flush", code=1)
    there.start()
    assert "✓ ops: P1 shop: orders hang\n" in typed("notify", "flush")
    assert (there.told, len(there.alerts)) == (["P1 shop: orders hang"], 1)
    assert typed("notify", "flush") == "nothing waits\n"
    assert typed("notify", "flush", "--plan") == "nothing waits\n"
    found = told(typed, "notices", "notify", "list", "--all")
    assert [one["state"] for one in found["notices"][0]["deliveries"]] == ["sent", "sent"]


def test_who_is_to_be_asked_next_is_asked_once(typed: Typed, there: LocalReceiver) -> None:
    identity = opened(typed, "--severity", "P2", "--began", "61m")
    assert f"would ask the commander of {identity}: its RTO of 60 min is over" in typed("notify", "flush", "--plan")
    for _ in range(2):
        typed("notify", "flush")
    assert there.told == ["P2 shop: orders hang", "escalated: P2 shop: orders hang"]
    entries = json.loads(typed("incident", "show", "--json"))["entries"]
    assert [entry["data"] for entry in entries if entry["kind"] == "escalated"] == [
        {"step": "RTO", "role": "commander"}
    ]
    assert "ask the commander" not in typed("incident", "list", code=1), "it was"


def test_without_a_channel_nobody_is_told_and_that_is_said(typed: Typed) -> None:
    said = typed("incident", "open", "orders hang", "--severity", "P1")
    assert "muster: nobody is told: there is no channel (muster notify channels)" in said
    assert typed("incident", "ack").endswith(" acknowledged\n")
    assert "nobody is told: no channel takes a P1" in typed("incident", "show")
    assert typed("notify", "channels", code=1).startswith("there is no channel: set MUSTER_NOTICES_<NAME>")
    assert typed("notify", "test", code=64).startswith("there is no channel to test: set MUSTER_NOTICES_<NAME>")
    assert typed("notify", "list") == "all notices have arrived\n"
    assert "nobody is told: no channel takes it" in typed("notify", "list", "--all")


def test_a_test_arrives_and_leaves_no_alert(typed: Typed, there: LocalReceiver, tmp_path: Path) -> None:
    assert typed("notify", "list", "--all") == "no notice is on record\n"
    assert typed("notify", "flush") == "nothing waits\n", "also where nothing was ever kept"
    plan = typed("notify", "test", "ops", "--plan")
    assert "would tell ops, by test in en:\nSubject: test of the channel ops of shop" in plan
    found = told(typed, "delivered", "notify", "test")
    assert sorted(one["channel"] for one in found["sent"]) == ["oncall", "oncall", "ops"]
    assert there.told == ["test of the channel ops of shop"]
    assert [*there.alerts.values()] == [["trigger", "resolve"]]
    there.status = 500
    assert "✗ ops: test of the channel ops of shop\n    json: it answered 500\n" in typed(
        "notify", "test", "ops", code=1
    )
    there.status, there.hang_s = 202, 60
    assert typed("notify", "test", "ops", "--within", "0.5", code=2) == "? ops: no answer yet\n"
    there.hang_s = 0
    there.ended.set()
    with Outbox.open("reports/history.sqlite", tmp_path) as outbox:
        wait_for(lambda: not outbox.deliveries(states=["waiting"]), within=30, reason="the answer to be noted")
    assert typed("notify", "flush") == "nothing waits\n", "a test that comes later would be a riddle"
    assert typed("notify", "list") == "all notices have arrived, tests apart\n"


def test_every_template_is_rendered_from_one_incident(typed: Typed) -> None:
    opened(typed, "--severity", "P1")
    found = told(typed, "messages", "notify", "render", "--language", "en", "--language", "zh")
    assert len(found["messages"]) == 20
    assert len({(one["template"], one["language"]) for one in found["messages"]}) == 20
    text = typed("notify", "render", "external", "--state", "resolve", "--set", "impact=Orders were late.")
    assert text.startswith("Subject: shop: the disruption is over\n\n")
    assert "Orders were late." in text


def test_whoever_is_named_is_told_by_the_words_that_are_named(typed: Typed, there: LocalReceiver) -> None:
    opened(typed, "--severity", "P3")
    there.arrived.clear()
    assert "would tell ops, by social in zh:" in typed(
        "notify", "send", "social", "--channel", "ops", "--language", "zh", "--plan"
    )
    assert there.arrived == []
    assert typed("notify", "send", "status-page", "--channel", "ops").startswith("✓ ops: Investigating: degraded")
    assert there.told == ["Investigating: degraded performance of shop"]
    assert "is PagerDuty, which is told of incidents by itself" in typed(
        "notify", "send", "p1", "--channel", "oncall", code=64
    )


def test_a_project_names_channels_and_has_words_of_its_own(typed: Typed, there: LocalReceiver, tmp_path: Path) -> None:
    path = tmp_path / "systems/shop/system.yaml"
    path.write_text(SYSTEM + "notices: {channels: {ops: {severities: [P1], language: zh}, board: {template: team}}}\n")
    (tmp_path / "notices").mkdir()
    (tmp_path / "notices/p1.zh.j2").write_text("Subject: 出事了\n\n{{ colour }}\n")
    found = told(typed, "channels", "notify", "channels", code=1)
    assert [one["name"] for one in found["channels"]] == ["board", "oncall", "ops"]
    assert found["channels"][0]["trouble"] == "no address here: MUSTER_NOTICES_BOARD is not set"
    assert {one["from"] for one in told(typed, "templates", "notify", "templates")["templates"]} == {
        "project",
        "package",
    }
    said = typed("incident", "open", "orders hang", "--severity", "P1")
    assert "told by the package's own words, since template p1.zh.j2, line 3: 'colour' is undefined" in said
    assert there.told == ["P1 shop\uff1aorders hang"]
    assert "1 for board wait: this machine has no address of it, MUSTER_NOTICES_BOARD is not set" in typed(
        "notify", "flush", code=1
    )
    assert "template p1.zh.j2, line 3: 'colour' is undefined" in typed(
        "notify", "render", "p1", "--language", "zh", code=64
    )


def test_what_is_wrong_is_one_sentence(typed: Typed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert (
        typed("notify", "render", "p1", code=64)
        == "there is no incident 'latest'; one is opened by: muster incident open"
    )
    opened(typed, "--severity", "P1")
    monkeypatch.setenv("MUSTER_NOTICES_BAD", "slack://only-s3cret")
    for words, message in (
        (["render", "p9"], "template 'p9' is not known (there are: digest, email"),
        (["render", "p1", "--language", "fr"], "template 'p1' is not there in 'fr' (there are: en, zh)"),
        (["render", "p1", "--incident", "x"], "there is no incident 'x'"),
        (["render", "p1", "--set", "impact"], "--set impact: right would be NAME=VALUE"),
        (["test", "nope"], "channel 'nope' is not known (there are: bad); set MUSTER_NOTICES_NOPE to its address"),
        (["send", "p1", "--channel", "nope"], "channel 'nope' is not known"),
        (["send", "p9", "--channel", "bad"], "template 'p9' is not known"),
        (["list", "--history", "mysql://x"], "history 'mysql' is no database that muster writes to"),
    ):
        said = typed("notify", *words, code=64)
        assert message in said
        assert "\n" not in said.strip()
    assert "its address is none that apprise understands" in typed("notify", "channels", code=1)
    assert "s3cret" not in typed("notify", "channels", code=1)
    assert "its address is none that apprise understands" in typed("notify", "test", code=1)
    (tmp_path / "dead.sqlite").write_text("no database at all, and that for long enough to be none" * 30)
    assert typed("notify", "list", "--history", "dead.sqlite", code=64).startswith("history ")
    assert typed("notify", "flush", "--history", "dead.sqlite", code=64).startswith("history ")


def test_no_address_is_shown(typed: Typed, there: LocalReceiver) -> None:
    opened(typed, "--severity", "P1")
    there.status = 500
    typed("incident", "ack")
    said = [
        typed("notify", *words, code=code)
        for words, code in (
            (["list"], 1),
            (["list", "--all", "--json"], 1),
            (["flush"], 1),
            (["channels"], 0),
            (["channels", "--json"], 0),
            (["test"], 1),
        )
    ]
    for secret in (KEY, TOKEN):
        assert not any(secret in text for text in said)
