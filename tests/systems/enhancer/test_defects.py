"""Releases that are not good, on purpose: each is wrong as it says, and nothing is wrong without the switch."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
import yaml
from enhancer_support.programs import Program
from enhancer_support.waiting import until

from enhancer.api import defective
from enhancer.defect import KINDS, Defect, size_of
from enhancer.settings import SettingsError
from releasing import release_with

README = Path(__file__).parents[3] / "systems" / "enhancer" / "README.md"
QUICK = {"heartbeat_s": 0.2, "agent_expiry_s": 1.0, "idle_poll_s": 0.05, "batch_s": 0.01, "admission_rate": 0}


def env(kind: str, size: float) -> dict[str, str]:
    return {"ENHANCER_DEFECT": kind, "ENHANCER_DEFECT_SIZE": str(size)}


def statuses(api: Program, method: str, path: str, count: int = 40) -> list[int]:
    with httpx.Client(base_url=api.url, timeout=10) as client:
        return [client.request(method, path, json={"title": "t"}).status_code for _ in range(count)]


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (
            {"ENHANCER_DEFECT": "odd"},
            "ENHANCER_DEFECT is 'odd', must be one of crashes, errs, errs_on_one, fails_phases,",
        ),
        (
            env("errs", 1.5),
            "ENHANCER_DEFECT_SIZE is '1.5', must be a number from 0 to 1: share of the clients' requests",
        ),
        ({**env("slow", 1), "ENHANCER_DEFECT_SIZE": "long"}, "ENHANCER_DEFECT_SIZE is 'long', must be a number from 0"),
        ({"ENHANCER_DEFECT_SIZE": "1"}, "ENHANCER_DEFECT_SIZE is set and ENHANCER_DEFECT is not"),
    ],
)
def test_a_defect_that_is_none_is_refused_in_a_sentence(given: dict[str, str], why: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Defect.from_environment(given)
    assert str(refused.value).startswith(why)


def test_without_the_switch_there_is_none() -> None:
    assert Defect.from_environment({"ENHANCER_ADMISSION_RATE": "1"}) is None
    assert [size_of(None, kind) for kind in KINDS] == [None] * len(KINDS)
    app = object()
    assert defective.defective(app, None) is app  # type: ignore[arg-type,comparison-overlap]


@pytest.mark.parametrize("kind", KINDS)
def test_each_defect_is_documented_with_its_usual_size(kind: str) -> None:
    assert Defect.from_environment({"ENHANCER_DEFECT": kind}) == Defect(kind, KINDS[kind].usual)
    assert f"| `{kind}` | {KINDS[kind].usual:g} | {KINDS[kind].unit}" in README.read_text()


@pytest.mark.parametrize("name", ["api", "agents"])
def test_an_unknown_defect_lets_no_program_start(program: Callable[..., Program], name: str) -> None:
    broken = program(name, env={"ENHANCER_DEFECT": "odd"})
    assert broken.wait_exit() == 2
    assert "enhancer: refusing to start: ENHANCER_DEFECT is 'odd'" in broken.stderr()


@pytest.mark.parametrize("name", ["api", "agents"])
def test_one_that_crashes_ends_at_once(program: Callable[..., Program], name: str) -> None:
    assert program(name, env=env("crashes", 0)).wait_exit() == 1


def test_one_that_errs_answers_some_requests_badly_and_tells_of_itself_as_ever(program: Callable[..., Program]) -> None:
    api = program("api", env=env("errs", 0.5), **QUICK).wait_ready()
    found = statuses(api, "GET", "/workflows", 60)
    assert set(found) == {200, 500}
    assert 10 < found.count(500) < 50
    assert set(statuses(api, "GET", "/status", 20) + statuses(api, "GET", "/readyz", 20)) == {200}
    told = f'enhancer_requests_total{{method="GET",route="/workflows",status="500"}} {found.count(500)}.0'
    assert told in httpx.get(f"{api.url}/metrics").text


def test_one_that_errs_on_one_kind_errs_on_no_other(program: Callable[..., Program]) -> None:
    api = program("api", env=env("errs_on_one", 1), **QUICK).wait_ready()
    assert set(statuses(api, "POST", "/workflows", 5)) == {500}
    assert set(statuses(api, "GET", "/workflows", 5) + statuses(api, "GET", "/agents", 5)) == {200}


def test_one_that_is_slow_answers_late_and_right(program: Callable[..., Program]) -> None:
    api = program("api", env=env("slow", 0.4), **QUICK).wait_ready()
    answer = httpx.get(f"{api.url}/workflows")
    assert (answer.status_code, answer.elapsed.total_seconds() >= 0.4) == (200, True)
    line = 'enhancer_request_seconds_bucket{le="0.25",method="GET",route="/workflows"} 0.0'
    assert line in httpx.get(f"{api.url}/metrics").text


def test_one_that_hangs_never_answers(program: Callable[..., Program]) -> None:
    api = program("api", env=env("hangs", 1), **QUICK).wait_ready()
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(f"{api.url}/workflows", timeout=0.7)
    assert api.probe("/healthz") == 200


def test_one_that_leaks_grows_until_it_is_killed(program: Callable[..., Program]) -> None:
    api = program("api", env=env("leaks", 32), **QUICK).wait_ready()
    answered = 0
    with pytest.raises(httpx.TransportError):
        for answered in range(20):  # noqa: B007 (read after the loop)
            httpx.get(f"{api.url}/workflows", timeout=10)
    assert 1 <= answered < 9, "the limit is 256 MiB"
    assert api.wait_exit() == -9


def test_one_that_loses_writes_acknowledges_what_is_not_stored(program: Callable[..., Program]) -> None:
    losing = program("api", env=env("loses_writes", 0.5), **QUICK).wait_ready()
    api = program("api", **QUICK).wait_ready()
    for n in range(40):
        asked = {"id": f"lost-{n}", "title": "t", "payload": n}
        answer = httpx.post(f"{losing.url}/workflows", json=asked)
        assert (answer.status_code, answer.json()["payload"], answer.json()["state"]) == (201, n, "waiting")
    found = [api.probe(f"/workflows/lost-{n}") for n in range(40)]
    assert set(found) == {200, 404}


def test_one_whose_agents_fail_tells_of_it_and_loses_no_work(program: Callable[..., Program]) -> None:
    api = program("api", **QUICK).wait_ready()
    worker = program("agents", env=env("fails_phases", 0.5), **QUICK).wait_ready()
    for n in range(10):
        httpx.post(f"{api.url}/workflows", json={"id": f"failing-{n}", "title": "t"})
    until(
        "all done in the end",
        lambda: all(httpx.get(f"{api.url}/workflows/failing-{n}").json()["state"] == "done" for n in range(10)),
    )
    text = httpx.get(f"{worker.url}/metrics").text
    failures = next(line for line in text.splitlines() if line.startswith("enhancer_phase_failures_total "))
    assert float(failures.split()[1]) > 10


@pytest.mark.parametrize(("size", "said"), [(0.25, "0.25"), (None, None)])
def test_a_release_with_a_defect_differs_in_nothing_else(tmp_path: Path, size: float | None, said: str | None) -> None:
    made = release_with("errs", size, tmp_path / "bad")
    good = README.parent / "releases" / "5.2"
    assert sorted(path.name for path in made.iterdir()) == sorted(path.name for path in good.iterdir())
    named = 0
    for path in made.iterdir():
        documents = list(yaml.safe_load_all(path.read_text()))
        for document in documents:
            if document.get("kind") == "Deployment":
                (container,) = document["spec"]["template"]["spec"]["containers"]
                given = {one["name"]: one.get("value") for one in container["env"] if "DEFECT" in one["name"]}
                assert given == {"ENHANCER_DEFECT": "errs"} | ({"ENHANCER_DEFECT_SIZE": said} if said else {})
                container["env"] = [one for one in container["env"] if "DEFECT" not in one["name"]]
                named += 1
        assert documents == list(yaml.safe_load_all((good / path.name).read_text()))
    assert named == 2
    with pytest.raises(FileExistsError, match="is not empty"):
        release_with("slow", None, made)


def test_a_release_with_a_defect_is_made_by_hand(tmp_path: Path) -> None:
    command = [sys.executable, README.parent / "releasing.py", tmp_path / "bad", "leaks", "2"]
    assert subprocess.run(command, check=False).returncode == 0
    assert "ENHANCER_DEFECT_SIZE\n          value: '2'" in (tmp_path / "bad" / "40-api.yaml").read_text()
    assert subprocess.run(command, check=False, capture_output=True).returncode == 64
