"""What is shown of a picture: all of it within its width, what is not seen as unknown, and how old it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.dashboard.made import (
    NOW,
    SEEN_AT,
    glance_of,
    incident,
    measured,
    picture,
    points,
    release,
    said,
    seen,
    shown,
)
from tests.diagnosis.saved import BLIND, ILL, WELL, workload

from muster.dashboard.picture import Measured, Picture, ReleaseSeen
from muster.dashboard.sight import Sight
from muster.dashboard.view.text import plain
from muster.release.record import Asked, Happened, Share

LONG = "a reason that goes on and on " * 20
HANGS = "the cluster of context 'staging' does not answer"
CROWDED = replace(ILL, objects=(*ILL.objects, *workload("Deployment", "x" * 60, 30, 2)))
PICTURES = {
    "under way": picture(),
    "no release": picture(release=Sight(ReleaseSeen(None, None), SEEN_AT)),
    "long": picture(
        where="a system with a name that is long " * 5,
        glance=Sight(
            glance_of(replace(ILL, objects=(*ILL.objects, *workload("Deployment", "x" * 60, 30, 2)))), SEEN_AT
        ),
        release=Sight(seen(state="holding", why=LONG, by=LONG, release="r" * 200), SEEN_AT),
        incidents=Sight((incident(title=LONG),), SEEN_AT),
        said=(said(LONG, failed=True),),
        acting=LONG,
    ),
    "blind": picture(glance=Sight(glance_of(BLIND), SEEN_AT)),
    "nothing yet": picture(glance=Sight(), release=Sight(), measured=Sight(), incidents=Sight(), known={}),
    "nothing but why": picture(
        glance=Sight().lost(HANGS), release=Sight().lost(HANGS), measured=Sight().lost(HANGS), incidents=None, known={}
    ),
    "no system": picture(definition=None, release=None, measured=None, incidents=None),
}


def part(one: Picture, name: str, columns: int = 80, **more: Any) -> str:
    view = shown(one, columns, **more)
    found = [panel for panel in (*view.left, *view.right) if panel.name.startswith(name)]
    return found[0].text if found else ""


@pytest.mark.parametrize("columns", [60, 61, 80, 109, 110, 120, 200])
@pytest.mark.parametrize("one", PICTURES.values(), ids=PICTURES)
def test_nothing_is_wider_than_the_screen(one: Picture, columns: int) -> None:
    view = shown(one, columns)
    left, right = ([len(plain(line)) for panel in side for line in panel.lines] for side in (view.left, view.right))
    assert max(left) + (3 + max(right) if right else 0) <= columns
    assert bool(right) is (columns >= 110)
    assert all(len(plain(line)) <= columns for line in (*view.head, *view.said, view.keys))


@pytest.mark.parametrize(("columns", "rows"), [(59, 24), (60, 11), (10, 3)])
def test_a_terminal_that_is_too_small_is_told_what_is_needed(columns: int, rows: int) -> None:
    text = " ".join(shown(picture(), columns, rows).text.split())
    assert f"too small: 60 columns and 12 rows are needed, here are {columns} and {rows}" in text


def test_a_release_says_where_it_is_how_long_yet_with_how_much_traffic_and_who_is_in_charge() -> None:
    text = part(picture(), "Release")
    assert "✓ BAKING  5.2 of enhancer (releases/5.2), began 02:40 UTC" in text
    assert "✓pre  ✓canary  ▶GROW  ·half  ·switch  ·promote" in text
    assert "30 min left of 45 min" in text
    assert "20 % to the new, 5.2; 80 % to the old, 5.1, by httproute" in text
    assert "seen      20 % of the last 3,000 requests to the new" in text
    assert "✓ in charge   ops on desk" in text


def test_a_share_that_cannot_be_made_is_told_with_the_one_that_was_wanted() -> None:
    one = picture(release=Sight(seen(share=Share(wanted=0.05, possible=0.25, way="replicas")), SEEN_AT))
    assert "25 % to the new, 5.2; 75 % to the old, 5.1, by replicas (5 % was wanted)" in " ".join(
        part(one, "Release").split()
    )


def test_what_is_asked_for_and_not_heard_yet_is_told() -> None:
    asked = Asked(command="pause", by="ops", at="2026-11-28T03:00:02Z", why="lunch")
    text = part(picture(release=Sight(seen(wanted=asked), SEEN_AT)), "Release")
    assert "~ asked for   pause by ops 3 s ago, not heard yet: lunch" in text


def test_a_release_that_nobody_looks_after_is_a_finding() -> None:
    text = part(picture(release=Sight(seen(by=None), SEEN_AT)), "Release")
    assert "✗ BAKING" in text
    assert "✗ in charge   NOBODY" in text


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ("released", "✓ none under way; 5.2 released 10 min ago"),
        ("rolled back", "✓ none under way; 5.2 rolled back 10 min ago: too slow"),
        ("failed", "✗ none under way; 5.2 failed 10 min ago: too slow"),
    ],
)
def test_a_release_that_is_over_is_one_line_and_offers_no_keys(state: str, text: str) -> None:
    over = ReleaseSeen(release(state=state, ended="2026-11-28T02:50:05Z", why="too slow"), None)
    one = picture(release=Sight(over, SEEN_AT))
    lines = part(one, "Release").splitlines()
    assert (len(lines), lines[1]) == (2, text)
    assert not part(one, "Next")
    assert plain(shown(one).keys).split() == ["q", "quit", "↑", "↓", "scroll"]


def test_each_panel_says_how_old_it_is() -> None:
    view = shown(picture(), now=NOW)
    aged = [panel for panel in view.left if not panel.name.startswith("Next")]
    assert all(panel.text.splitlines()[0].endswith(" 2 s ago ──") for panel in aged)
    assert len(aged) == 6


def test_what_was_not_seen_for_too_long_is_not_called_present_and_nothing_in_it_is_fine() -> None:
    view = shown(picture(), now=SEEN_AT + 60)
    for panel in view.left:
        assert "✓ " not in panel.text, panel.text
        assert "? as it was 60 s ago" in panel.text or panel.name.startswith("Next")
    assert "? by what was seen last" in view.text


def test_a_look_that_failed_says_why_and_keeps_what_was_seen() -> None:
    one = picture(release=Sight(seen(), SEEN_AT).lost(HANGS), measured=Sight(measured(), SEEN_AT).lost(HANGS))
    for name in ("Release", "Objectives"):
        text = part(one, name)
        assert "? as it was 2 s ago" in text
        assert f"? not seen: {HANGS}" in text
        assert "✓ " not in text
    assert "BAKING" in part(one, "Release")


def test_a_part_that_is_not_seen_says_how_it_was_and_when() -> None:
    text = " ".join(part(picture(glance=Sight(glance_of(BLIND), NOW)), "System").split())
    assert "? pods not seen: forbidden; 2 s ago: shop 3 of 3" in text
    assert "✓" not in text


def test_nothing_that_was_never_seen_is_called_fine() -> None:
    for name in ("nothing yet", "nothing but why"):
        text = shown(PICTURES[name]).text
        assert "✓" not in text
        assert "? not seen yet" in text
    assert text.count(HANGS) == 3


def test_objectives_stand_side_by_side_with_their_limits_and_how_they_went() -> None:
    lines = part(picture(), "Objectives").splitlines()
    assert lines[1].split() == ["stable", "5.1", "canary", "5.2", "limit"]
    assert lines[2].startswith("✓ error rate  0 %      ")
    assert "0.2 %" in lines[2]
    assert lines[2].endswith("0.5 %")
    assert "120 ms" in lines[3]
    assert "130 ms" in lines[3]
    assert "80.0" in lines[4]
    assert "20.0" in lines[4]
    assert "··▂▂▂" in lines[3]


def test_an_objective_that_is_missed_is_marked_by_more_than_colour() -> None:
    over_time = {**measured().over_time, "canary": points(per_s=20, error_rate=0.2, p95_s=3.0)}
    lines = part(picture(measured=Sight(Measured(over_time, {}), SEEN_AT)), "Objectives").splitlines()
    assert lines[2].startswith("✗ error rate")
    assert lines[3].startswith("✗ P95")


def test_without_a_release_the_service_itself_is_held_to_its_own_objectives() -> None:
    lines = part(PICTURES["no release"], "Objectives").splitlines()
    assert lines[1].startswith("✓ error rate  0 %")
    assert lines[1].endswith("1 %")  # objectives.error_rate of system.yaml
    assert "canary" not in "".join(lines)


def test_pods_that_do_not_tell_leave_objectives_and_the_seen_share_unknown() -> None:
    one = picture(measured=Sight(measured({"canary": {"requests": "pod api-x is mute"}}), SEEN_AT))
    assert "? error rate" in part(one, "Objectives")
    assert "? canary      not all seen: pod api-x is mute" in part(one, "Objectives")
    assert "unknown, as pod api-x is mute" in part(one, "Release")


def test_no_request_proves_nothing() -> None:
    over_time = {side: tuple(replace(p, requests=0.0, per_s=0.0, error_rate=None, p95_s=None) for p in points_)
                 for side, points_ in measured().over_time.items()}  # fmt: skip
    one = picture(measured=Sight(Measured(over_time, {}), SEEN_AT))
    assert "? no request was counted in the last 30 s" in part(one, "Objectives")
    assert "? error rate" in part(one, "Objectives")
    assert "no request in the last 30 s" in part(one, "Release")


def test_without_metrics_the_looks_own_requests_are_shown_for_what_they_are() -> None:
    text = " ".join(part(picture(measured=None), "Objectives").split())
    assert "✓ error rate 0 of 3 requests failed (by the looks' own requests: system.yaml names no metrics)" in text
    assert "? requests/s unknown" in text


def test_resources_say_what_is_used_and_what_cannot_be_known() -> None:
    usage = {"usage": {"cpu": "250m", "memory": "64Mi"}, "name": "main"}
    pods = [{"metadata": {"name": f"shop-{number}"}, "containers": [usage]} for number in range(3)]
    snapshot = replace(WELL, answers={**WELL.answers, "metrics": {"pods": pods}})
    text = part(picture(glance=Sight(glance_of(snapshot), SEEN_AT)), "Resources")
    assert "✓ shop  3 of 3    cpu 0.75  memory 192Mi" in text
    assert "✓ work  2 of 2    cpu ?  memory ?" in text
    assert "? cpu and memory not seen: this cluster does not serve metrics.k8s.io" in part(picture(), "Resources")


def test_events_of_the_release_and_warnings_of_the_cluster_stand_newest_first() -> None:
    about = {"kind": "Pod", "name": "api-x", "namespace": "shop"}
    event = {
        "kind": "Event",
        "metadata": {"name": "e", "namespace": "shop"},
        "involvedObject": about,
        "type": "Warning",
        "reason": "BackOff",
        "message": "restarting failed container",
        "lastTimestamp": "2026-11-28T02:59:00Z",
    }
    told = seen(events=(Happened(at="2026-11-28T02:58:00.000Z", what="paused", by="ops"),))
    snapshot = replace(WELL, objects=(*WELL.objects, event))
    one = picture(glance=Sight(glance_of(snapshot), SEEN_AT), release=Sight(told, SEEN_AT))
    lines = part(one, "Events").splitlines()[1:]
    assert lines == [
        "02:59:00 Pod api-x: BackOff: restarting failed container",
        "02:58:00 release: paused (ops)",
    ]


def test_open_incidents_are_shown_and_none_is_said() -> None:
    assert "✓ none open" in part(picture(), "Incidents")
    text = part(picture(incidents=Sight((incident(),), SEEN_AT)), "Incidents")
    assert "✗ 20261128-1 P2 open, since 10 min: Deployment api: container api exits with 2" in text
    assert not part(picture(incidents=None), "Incidents")


def test_on_few_rows_what_is_fine_is_one_line_while_a_release_is_under_way() -> None:
    assert "✓ fine: service, pods" in part(picture(), "System", rows=24)
    assert "✓ fine: latency" in part(picture(), "Next", rows=24)
    assert "✓ pods" in part(picture(), "System", rows=40)
    assert "✓ pods" in part(PICTURES["no release"], "System", rows=24)
    ill = part(picture(glance=Sight(glance_of(ILL), SEEN_AT)), "System", rows=24)
    assert "✗ database" in ill
    assert "$ muster recover promote-standby" in ill


def test_what_was_done_here_is_told_for_a_while() -> None:
    one = picture(said=(said("old", seconds_ago=300), said("refused: no", failed=True)), acting="rollback: begun")
    lines = [plain(line) for line in shown(one).said]
    assert lines == ["✗ 03:00:04 refused: no", "▶ rollback: begun"]
