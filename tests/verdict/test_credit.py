"""Who brought service back: what a procedure changed must reach what came back, and an undo proves no procedure."""

from __future__ import annotations

from typing import Any

import pytest

from muster.base.timeline import Event
from muster.verdict import DrillVerdict, Verdict, judge
from muster.verdict.disruption.credit import can_matter
from muster.verdict.reading.facts import Change
from muster.verdict.testing import EPOCH, DrillStory, Outage

ACTED = 6.4
API = ["api-1-a", "api-1-b"]
ALL = [*API, "db-a-0", "db-b-0"]
Told = tuple[float, str, str, list[str]]


def changed(what: str, *fields: str, verb: str = "patch", at: float = ACTED) -> Told:
    return (at, verb, what, list(fields))


def judged(
    *changes: Told, came: list[str] | None = None, replicas: tuple[int, int] | None = None, **story: Any
) -> DrillVerdict:
    """The verdict on a story in which pods went at 5.3 s and those of `came` were ready again at 11.5 s."""
    gone = [(5.3, pod, False) for pod in came or []]
    pods = [*gone, *((11.5, pod, True) for pod in came or [])]
    events = DrillStory(changes=list(changes), pods=pods, **story).events()
    return judge([with_replicas(event, replicas) for event in events])


def with_replicas(event: Event, replicas: tuple[int, int] | None) -> Event:
    if event["kind"] != "recovery.change" or "spec.replicas" not in event["fields"]:
        return event
    return event | {"replicas": replicas}


REACH: dict[str, tuple[list[Told], list[str]]] = {
    "the Service of what they ask leads elsewhere": ([changed("Service/db", "spec.selector.instance")], []),
    "a command in the database that they ask": ([changed("Pod/db-b-0", verb="execute")], []),
    "its template": ([changed("Deployment/api", "spec.template.spec.containers")], API),
    "its configuration": ([changed("ConfigMap/settings", "data.rate")], API),
    "its configuration, which serving pods follow": ([changed("ConfigMap/settings", "data.rate")], []),
    "its pod was deleted": ([changed("Pod/api-1-a", verb="delete")], API),
    "a new pod that serves": ([changed("Pod/api-1-a", verb="create")], ["api-1-a"]),
    "the service itself was asked": ([changed("Service/api", verb="ask")], []),
    "all pods were deleted": ([changed("Pod/*", verb="delete")], ALL),
    "all that came back was changed": (
        [changed("Deployment/api", "spec.template.x"), changed("StatefulSet/db-a", "spec.template.x")],
        [*API, "db-a-0"],
    ),
}


@pytest.mark.parametrize(("changes", "came"), REACH.values(), ids=list(REACH))
def test_a_procedure_is_proved_where_what_it_changed_reaches_what_came_back(
    changes: list[Told], came: list[str]
) -> None:
    entry = judged(*changes, came=came)
    assert entry.verdict is Verdict.MET, entry.reasons
    assert entry.recovered_by == "promote-standby"


BESIDE: dict[str, tuple[list[Told], list[str], str]] = {
    "nothing": ([], ALL, "nothing is known that 'promote-standby' changed"),
    "an annotation": ([changed("Deployment/api", "metadata.annotations.placebo")], ALL, "brings nothing back"),
    "how many revisions are kept": (
        [changed("Deployment/api", "spec.revisionHistoryLimit")],
        ALL,
        "brings nothing back",
    ),
    "a label of a configuration": ([changed("ConfigMap/settings", "metadata.labels.x")], ALL, "brings nothing back"),
    "somebody else's workload": ([changed("Deployment/other", "spec.template.x")], ALL, "does not rely on"),
    "a configuration that nobody uses": ([changed("ConfigMap/new", verb="create")], ALL, "does not rely on"),
    "the same, and no pod came back": ([changed("ConfigMap/new", verb="create")], [], "nothing that serves relies on"),
    "a part, and the rest came by itself": (
        [changed("StatefulSet/db-a", "spec.template.x")],
        ["db-a-0", "db-b-0"],
        "StatefulSet/db-b came back without anything of",
    ),
    "too late": ([changed("Service/db", "spec.selector.instance", at=13.0)], [], "nothing is known"),
}


@pytest.mark.parametrize(("changes", "came", "why"), BESIDE.values(), ids=list(BESIDE))
def test_the_platform_may_have_healed_where_it_does_not(changes: list[Told], came: list[str], why: str) -> None:
    entry = judged(*changes, came=came)
    assert entry.verdict is Verdict.UNKNOWN
    assert entry.recovered_by == "platform?"
    assert "the platform may have healed" in entry.why
    assert why in entry.why
    assert "'promote-standby' is not proved" in entry.why


def test_replicas_that_were_added_reach_no_more_pods_than_they_are() -> None:
    scaled = changed("Deployment/api", "spec.replicas")
    assert judged(scaled, came=API, replicas=(0, 2)).verdict is Verdict.MET
    assert judged(scaled, came=["api-1-b"], replicas=(1, 2)).verdict is Verdict.MET
    assert judged(scaled, came=API, replicas=(1, 2)).recovered_by == "platform?"
    assert judged(scaled, came=API, replicas=(3, 2)).recovered_by == "platform?"


def test_where_nobody_saw_what_pods_rely_on_a_procedure_is_not_proved() -> None:
    entry = judged(changed("Service/db", "spec.selector.instance"), relations={})
    assert entry.verdict is Verdict.UNKNOWN
    assert "it was not seen which pods rely on what 'promote-standby' changed" in entry.why


def test_a_drill_that_is_to_prove_no_procedure_says_who_it_was_all_the_same() -> None:
    entry = judged(declared={"proves_procedure": False}, came=ALL)
    assert entry.verdict is Verdict.MET, entry.reasons
    assert entry.recovered_by == "platform?"


PUT_BACK = ["Deployment api: spec.replicas put back"]


@pytest.mark.parametrize("recovery", ["promote-standby", None])
def test_service_that_came_back_only_once_the_fault_was_undone_proves_nothing(recovery: str | None) -> None:
    story: dict[str, Any] = {"declared": {"recovery": recovery}, "outages": [Outage(5.2, 11.7)]}
    if recovery is None:
        story |= {"recovery": None}
    else:
        story |= {"recovery": (6.0, 7.0), "steps": [("promote", 6.3, 6.9, "done")]}
    entry = judge(DrillStory(undone=(11.4, PUT_BACK), **story).events())
    assert entry.verdict is Verdict.UNKNOWN
    assert entry.recovered_by == "undo"
    assert entry.why.startswith("service came back only once the fault was undone")
    if recovery is None:  # said to pass by itself, it is what was to be shown
        transient = story | {"declared": {"recovery": None, "transient": True}}
        assert judge(DrillStory(undone=(11.4, PUT_BACK), **transient).events()).verdict is Verdict.MET


@pytest.mark.parametrize(
    ("undone", "recovered_by"),
    [
        ((18.0, PUT_BACK), "promote-standby"),  # let go after service was good
        ((11.4, []), "promote-standby"),  # nothing was put back
        ((5.6, PUT_BACK), "undo"),  # before the procedure did anything
    ],
)
def test_only_an_undo_that_puts_something_back_before_service_is_good_counts(
    undone: tuple[float, list[str]], recovered_by: str
) -> None:
    assert judge(DrillStory(undone=undone).events()).recovered_by == recovered_by


def test_an_undo_that_ends_what_another_fault_began_before_is_no_undo_of_the_last_one() -> None:
    events = DrillStory(undone=(5.5, PUT_BACK), effects=[(5.1, True), (5.9, True)]).events()
    again = {"t": EPOCH + 5.6, "kind": "fault.sent", "experiment": "db-failure", "activity": "strike"}
    assert judge(sorted([*events, again], key=lambda event: event["t"])).recovered_by == "promote-standby"


@pytest.mark.parametrize(
    ("change", "matters"),
    [
        (Change(0, "patch", "Deployment/api", ("spec.progressDeadlineSeconds",)), False),
        (Change(0, "patch", "Deployment/api", ("spec.paused",)), True),
        (Change(0, "patch", "StatefulSet/db", ("spec.replicas",), (0, 1)), True),
        (Change(0, "patch", "Pod/a", ("metadata.labels.app",)), True),
        (Change(0, "patch", "Pod/a", ("metadata.annotations.x",)), False),
        (Change(0, "patch", "Secret/s", ("data.password",)), True),
        (Change(0, "patch", "Service/s", ("metadata.labels.x",)), False),
        (Change(0, "patch", "Service/s", ("spec.sessionAffinity", "spec.internalTrafficPolicy")), False),
        (Change(0, "patch", "Service/s", ("spec.selector.instance",)), True),
        (Change(0, "patch", "Service/s", ("spec.ports",)), True),
        (Change(0, "delete", "NetworkPolicy/deny"), True),
    ],
)
def test_what_can_matter(change: Change, matters: bool) -> None:
    assert can_matter(change) is matters


def test_where_clients_were_well_before_the_procedure_was_through_both_are_told() -> None:
    entry = judge(DrillStory(outages=[Outage(5.2, 8.0)]).events())
    assert entry.rto.value_s == pytest.approx(6.6, abs=0.1)
    assert entry.rto.clients_s == pytest.approx(2.8, abs=0.1)
    assert entry.rto.clients_low_s is not None
    assert entry.rto.clients_low_s <= 2.8 <= (entry.rto.clients_high_s or 0)
    assert entry.split.clients_s == pytest.approx(2.8, abs=0.1)
    assert "clients were well after 2.8" in entry.why
    assert "clients were well" not in judge(DrillStory().events()).why


def test_answers_of_somebody_else_prove_nothing_of_the_system() -> None:
    """A stub in its place, and for a moment only: who answered whom is not known any more."""
    events = DrillStory().events()
    led = [{"t": EPOCH + t, "kind": "origin", "foreign": who} for t, who in ((9.0, ["pod stub"]), (12.0, []))]
    entry = judge(sorted([*events, *led], key=lambda event: event["t"]))
    assert entry.verdict is Verdict.UNKNOWN
    assert entry.why == "clients were led to pod stub, which is none of the system's, from +4.0 s of the injection on"
    assert judge(events).verdict is Verdict.MET
