"""Which objects a fault touches, how many of them it may hit, and how each is undone: of experiment and state alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from muster.base.errors import RefusedError, UsageError
from muster.faults.activity_fitness import FOREIGN_MODULES
from muster.faults.experiments import find_experiment, read_experiment
from muster.faults.fitness import Content, check_fit
from muster.faults.reach import check_reach, content_of
from muster.faults.touched import configured, read_state, state_of_manifests, touched
from muster.kube.selectors import selects
from muster.safety.limits import Reach, Strike, check_radius, reach
from muster.safety.limits.radius import ClusterState, most_hit
from muster.safety.limits.settings import parse_settings
from muster.safety.limits.sources import Limits, Source
from muster.system import read_system
from muster.system.manifests import read_manifests

if TYPE_CHECKING:
    from tests.faults.conftest import Target

ROOT = Path(__file__).resolve().parents[2]
RECORD = "put back from the fault record"


def reference() -> ClusterState:
    return state_of_manifests(read_manifests(ROOT / "systems/enhancer/manifests"), "enhancer")


def content(*method: dict[str, Any], rollbacks: tuple[dict[str, Any], ...] = (), **more: Any) -> Content:
    base = yaml.safe_load((ROOT / "experiments/pod-crash.yaml").read_text())
    base["method"] = [*method, base["method"][-1]]
    base["rollbacks"] += rollbacks
    base["configuration"] |= more
    return check_fit(base)


def foreign(func: str, module: str = "pod", **arguments: Any) -> dict[str, Any]:
    provider = {"type": "python", "module": f"chaosk8s.{module}.actions", "func": func}
    return {
        "type": "action",
        "name": func,
        "provider": {**provider, "arguments": {"ns": "${namespace}", **arguments}},
    }


def own(func: str, **arguments: Any) -> dict[str, Any]:
    provider = {"type": "python", "module": "muster.faults.activities", "func": func, "arguments": arguments}
    return {"type": "action", "name": func, "provider": provider}


def told(found: Content, state: ClusterState, **environment: str) -> tuple[Strike, ...]:
    return touched(found, configured(found, environment, state), state)


def workload(
    name: str, replicas: int, *, kind: str = "Deployment", spec: Any = None, **metadata: Any
) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": name}}, "spec": spec or {"containers": []}}
    return {
        "kind": kind,
        "metadata": {"name": name, **metadata},
        "spec": {"replicas": replicas, "template": template},
    }


SHOP = state_of_manifests([workload("web", 4), workload("db", 2, kind="StatefulSet")], "shop")


@pytest.mark.parametrize(
    ("fault", "expected", "objects"),
    [
        ("agent-failure", Reach(2, 9, 1, 4), {"Deployment/agents", *(f"Pod/agents-({n})" for n in range(1, 5))}),
        ("config-broken", Reach(3, 9, 1, 4), {"ConfigMap/enhancer-settings", *(f"Pod/api-({n})" for n in range(1, 4))}),
        ("config-wrong", Reach(0, 9, 0, 4), {"ConfigMap/enhancer-settings"}),
        ("db-failure", Reach(1, 9, 1, 4), {"StatefulSet/db-a", "Pod/db-a-0"}),
        ("high-load", Reach(0, 9, 0, 4), set()),
        ("pod-crash", Reach(3, 9, 1, 4), {"Deployment/api", *(f"Pod/api-({n})" for n in range(1, 4))}),
    ],
)
def test_what_the_faults_of_the_reference_system_touch(fault: str, expected: Reach, objects: set[str]) -> None:
    state = reference()
    experiment = find_experiment(ROOT / "experiments", fault, read_system(ROOT / "systems/enhancer"))
    strikes = told(content_of(experiment), state, **experiment.environment)
    assert reach(strikes, state) == expected
    assert {touch.object for strike in strikes for touch in strike.touches} == objects


def test_a_full_outage_hits_all_and_all_of_it_is_undone() -> None:
    state = reference()
    strikes = told(check_fit(yaml.safe_load((ROOT / "experiments/full-outage.yaml").read_text())), state)
    assert reach(strikes, state) == Reach(9, 9, 4, 4)
    scaled = [touch for one in strikes for touch in one.touches if "spec.replicas" in touch.act]
    assert len(scaled) == 4
    assert all(touch.undone.startswith(RECORD) for touch in scaled)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"label_selector": "app=web", "all": True}, 4),
        ({"label_selector": "app=web", "qty": 2}, 2),
        ({"label_selector": "app=web", "qty": 50, "mode": "percentage"}, 2),
        ({"label_selector": "app=web", "qty": 26, "mode": "percentage"}, 2),  # rounded up
        ({"label_selector": "app=web", "qty": 9}, 4),
        ({"name_pattern": "^db-", "all": True}, 2),
        ({"all": True}, 6),
        ({}, 1),
        ({"label_selector": "app=nobody", "all": True}, 0),
        ({"label_selector": "app in (web, db)", "qty": 5, "rand": True}, 5),
    ],
)
def test_how_many_pods_are_deleted(arguments: dict[str, Any], expected: int) -> None:
    strikes = told(content(foreign("terminate_pods", **arguments)), SHOP)
    assert reach(strikes, SHOP).pods == expected


@pytest.mark.parametrize(
    ("method", "expected", "undone"),
    [
        ([foreign("scale_deployment", "deployment", name="web", replicas=1)], (3, 1), "not undone: nothing remembers"),
        (
            [
                own("remember_field", kind="Deployment", name="web", path="spec.replicas", after=1),
                foreign("scale_deployment", "deployment", name="web", replicas=1),
            ],
            (3, 1),
            RECORD,
        ),
        ([foreign("scale_deployment", "deployment", name="web", replicas=9)], (0, 1), "not undone"),
        ([own("patch_field", kind="Deployment", name="web", path="spec.replicas", after=3)], (1, 1), RECORD),
        ([own("patch_field", kind="Deployment", name="web", path="spec.paused", after=True)], (0, 1), RECORD),
        ([own("patch_field", kind="Deployment", name="web", path="spec.template.x", after=1)], (4, 1), RECORD),
        ([own("patch_field", kind="Service", name="web", path="spec.selector", after={})], (0, 0), RECORD),
        ([foreign("rollout_deployment", "deployment", name="web")], (4, 1), "its pods are made anew"),
        ([foreign("delete_deployment", "deployment", name="web")], (4, 1), "not undone: apply it again"),
        ([foreign("delete_deployment", "deployment", label_selector="app=x")], (0, 0), ""),
        ([foreign("delete_deployment", "deployment")], (4, 1), "not undone: apply it again"),
        ([foreign("remove_statefulset", "statefulset", name="db")], (2, 1), "not undone: apply it again"),
        ([foreign("exec_in_pods", cmd="true", label_selector="app=db")], (1, 1), "not undone: what it does lasts"),
        (
            [
                own("remember_command", label_selector="app=db", container_name="db", command=["true"], what="whole"),
                foreign("exec_in_pods", cmd="true", label_selector="app=db", container_name="db"),
            ],
            (1, 1),
            "by the command on record, as long as it is that very pod",
        ),
        (
            [
                own("remember_command", label_selector="app", container_name="db", command=["x"], what="", outlives=1),
                foreign("exec_in_pods", cmd="true", label_selector="app=db", container_name="db"),
            ],
            (1, 1),
            "by the command on record, in whichever pod has that name",
        ),
        (
            [
                own("remember_command", label_selector="app=x", container_name="db", command=["true"], what="whole"),
                foreign("exec_in_pods", cmd="true", label_selector="app=db", container_name="db"),
            ],
            (1, 1),
            "not undone",
        ),
        ([foreign("deny_all_ingress", "networking")], (6, 2), "not undone"),
        ([foreign("deny_all_egress", "networking", label_selectors={"app": "db"})], (2, 1), "not undone"),
        ([foreign("delete_service", "service", name="web")], (0, 0), "not undone: apply it again"),
        ([foreign("create_deployment", "deployment", spec_path="x.yaml")], (0, 1), "not undone"),
        ([foreign("something_new", "pod")], (6, 2), "not undone"),
    ],
)  # fmt: skip
def test_what_other_activities_touch(method: list[dict[str, Any]], expected: tuple[int, int], undone: str) -> None:
    strikes = told(content(*method), SHOP)
    found = reach(strikes, SHOP)
    assert (found.pods, found.workloads) == expected
    assert all(touch.undone.startswith(undone) for strike in strikes for touch in strike.touches)


def test_every_action_that_an_experiment_may_name_touches_something() -> None:
    """What is not known here counts as all pods; none is passed over."""
    import importlib

    for module in sorted(FOREIGN_MODULES):
        if not module.endswith(".actions"):
            continue
        for func in importlib.import_module(module).__all__:
            strikes = told(content(foreign(func, module.split(".")[1], name="web")), SHOP)
            assert strikes, f"{module}.{func}"


def test_a_rollback_that_takes_it_back_is_named() -> None:
    found = content(
        foreign("deny_all_ingress", "networking"), rollbacks=(foreign("remove_deny_all_ingress", "networking"),)
    )
    (strike,) = told(found, SHOP)
    assert strike.touches[0].undone == "by the rollback 'remove_deny_all_ingress'"


def test_names_come_from_the_configuration_and_what_cannot_be_told_counts_as_all() -> None:
    kill = foreign("terminate_pods", label_selector="app=${whom}", all=True)
    found = content(kill, whom={"type": "env", "key": "WHOM"})
    assert reach(told(found, SHOP, WHOM="db"), SHOP).pods == 2
    assert reach(told(found, SHOP), SHOP).pods == 6
    number = content(
        foreign("scale_deployment", "deployment", name="web", replicas="${left}"),
        left={"type": "env", "key": "LEFT", "env_var_type": "int", "default": "3"},
    )
    assert reach(told(number, SHOP), SHOP).pods == 1


def limits(said: str = "", **more: Any) -> Limits:
    text = "schema: muster/safety/v1\n" + said
    return Limits([Source("safety.yaml", parse_settings(text, "safety.yaml"))], **more)


def check(state: ClusterState, *method: dict[str, Any], by: Limits | None = None) -> None:
    check_radius("x", told(content(*method), state), state, by or Limits())


def test_more_than_the_largest_share_is_refused() -> None:
    kill = foreign("terminate_pods", label_selector="app=web", qty=3)
    check(SHOP, kill, by=limits("at_most: {pods: 50%, workloads: 50%}"))
    with pytest.raises(RefusedError) as refused:
        check(SHOP, kill, by=limits("at_most: {pods: 49%}"))
    assert str(refused.value) == (
        "refused: fault 'x' may hit 3 of 6 pods in namespace 'shop', more than safety.yaml allows (at_most.pods: 49%, "
        "which is 2); right would be one that hits fewer"
    )
    with pytest.raises(RefusedError, match=r"may hit 2 of 2 workloads .* \(at_most\.workloads: 1\)"):
        check(SHOP, foreign("terminate_pods", all=True), by=limits("at_most: {workloads: 1}"))


def test_of_several_limits_the_strictest_holds() -> None:
    lax, strict = limits("at_most: {pods: 100%}"), limits("at_most: {pods: 1}")
    for both in ([*lax.sources, *strict.sources], [*strict.sources, *lax.sources]):
        with pytest.raises(RefusedError, match=r"at_most\.pods: 1\)"):
            check(SHOP, foreign("terminate_pods", qty=2), by=Limits(both))


def test_a_rehearsal_is_held_to_the_share_unless_the_project_says_otherwise() -> None:
    kill = foreign("terminate_pods", all=True)
    with pytest.raises(RefusedError):
        check(SHOP, kill, by=limits("at_most: {pods: 50%}", embedded=True))
    free = "at_most: {pods: 50%}\nrehearsals: false\n"
    check(SHOP, kill, by=limits(free, embedded=True))
    with pytest.raises(RefusedError):
        check(SHOP, kill, by=limits(free))


MARK = {"muster.dev/keep-one-ready": "true"}


@pytest.mark.parametrize("where", ["annotations", "labels"])
def test_the_last_ready_pod_of_a_workload_that_is_marked_is_never_hit(where: str) -> None:
    state = state_of_manifests([workload("web", 3, **{where: MARK}), workload("other", 3)], "shop")
    check(state, foreign("terminate_pods", label_selector="app=web", qty=2))
    check(state, foreign("terminate_pods", label_selector="app=other", all=True))
    said = r"may hit the last ready pod of Deployment/web in namespace 'shop' \(3 ready\), which is marked"
    with pytest.raises(RefusedError, match=said):
        check(state, foreign("terminate_pods", label_selector="app=web", all=True))
    with pytest.raises(RefusedError, match=said):
        check(state, foreign("scale_deployment", "deployment", name="web", replicas=0))
    # One by chance, and two more of the same by another way.
    two = foreign("terminate_pods", label_selector="app=web", qty=2, rand=True)
    with pytest.raises(RefusedError, match=said):
        check(state, two, foreign("scale_deployment", "deployment", name="web", replicas=2))


def test_only_ready_pods_count_as_such() -> None:
    state = state_of_manifests([workload("web", 3, annotations=MARK)], "shop")
    for pod in state.pods[1:]:
        pod["status"]["conditions"][0]["status"] = "False"
    with pytest.raises(RefusedError, match=r"\(1 ready\)"):
        check(state, foreign("terminate_pods", label_selector="app=web", qty=1))


def test_a_mark_on_pods_holds_for_those_that_carry_it() -> None:
    state = state_of_manifests([workload("web", 2), workload("db", 1, kind="StatefulSet")], "shop")
    for pod in state.pods_of("StatefulSet/db"):
        found = state.find("Pod", pod)
        assert found is not None
        found["metadata"]["labels"] = {"app": "db", **MARK}
    check(state, foreign("terminate_pods", label_selector="app=web", all=True))
    with pytest.raises(RefusedError, match="last ready pod of those of StatefulSet/db"):
        check(state, foreign("terminate_pods", label_selector="app=db"))


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"hostNetwork": True, "containers": []}, "hostNetwork"),
        ({"hostPID": True, "containers": []}, "hostPID"),
        ({"containers": [{"securityContext": {"privileged": True}}]}, "privileged"),
        ({"initContainers": [{"securityContext": {"privileged": True}}], "containers": []}, "privileged"),
    ],
)
def test_no_command_is_run_where_it_would_reach_the_node(spec: dict[str, Any], said: str) -> None:
    state = state_of_manifests([workload("agent", 2, spec=spec), workload("web", 2)], "shop")
    check(state, foreign("exec_in_pods", cmd="true", label_selector="app=web"))
    check(state, foreign("terminate_pods", label_selector="app=agent"))
    with pytest.raises(
        RefusedError, match=rf"runs a command in pod 'agent-.*', which has {said}, so that it would reach"
    ):
        check(state, foreign("exec_in_pods", cmd="true", label_selector="app=agent"))


PODS = [f"p{number}" for number in range(6)]
STRIKES = st.lists(
    st.builds(
        lambda pods, most: Strike("a", (), frozenset(pods), min(most, len(pods)), ""),
        st.sets(st.sampled_from(PODS)),
        st.integers(0, 6),
    ),
    max_size=4,
)


@given(STRIKES, st.sets(st.sampled_from(PODS)), st.randoms())
def test_no_choice_of_pods_hits_more_than_what_is_reckoned_with(
    strikes: list[Strike], among: set[str], chance: Any
) -> None:
    strikes = [Strike(str(number), (), one.pods, one.most) for number, one in enumerate(strikes)]
    hit = {pod for one in strikes for pod in chance.sample(sorted(one.pods), one.most)}
    assert len(hit & among) <= most_hit(strikes, among) <= len(among)


@pytest.mark.parametrize(
    ("selector", "labels", "selected"),
    [
        ("", {}, True),
        ("app=a", {"app": "a"}, True),
        ("app==a", {"app": "b"}, False),
        ("app!=a", {}, True),
        ("app in (a, b),tier", {"app": "b", "tier": "x"}, True),
        ("app in (a, b), tier", {"app": "b"}, False),
        ("app notin (a,b)", {"app": "c"}, True),
        ("app notin (a,b)", {"app": "a"}, False),
        ("!app", {"app": "a"}, False),
        ("! app , x = y", {"x": "y"}, True),
        ("example.com/app=a-b_c.d", {"example.com/app": "a-b_c.d"}, True),
        ("app=", {"app": ""}, True),
    ],
)
def test_a_label_selector_selects_as_the_api_does(selector: str, labels: dict[str, str], selected: bool) -> None:
    assert selects(selector)(labels) is selected


@pytest.mark.parametrize("selector", ["app=a b", "app in a", "=", ",,", "app in (a", "(a)"])
def test_what_is_no_label_selector_is_refused(selector: str) -> None:
    with pytest.raises(UsageError, match="is no label selector"):
        selects(selector)


def test_what_a_drill_would_hit_is_read_of_the_cluster(target: Target, tmp_path: Path) -> None:
    """The pods of a Deployment belong to it through a ReplicaSet, and the namespace says what may be hit."""
    pod_crash = read_experiment(ROOT / "experiments/pod-crash.yaml")
    found = check_reach("pod-crash", content_of(pod_crash), target.cluster, target.namespace, root=tmp_path)
    state = read_state(target.cluster, target.namespace)
    assert set(state.workload_of.values()) == {"Deployment/api"}
    assert reach(found, state) == Reach(3, 3, 1, 1)
    data = {"safety.yaml": "schema: muster/safety/v1\nat_most: {pods: 2}\n"}
    item = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "muster-safety"}, "data": data}
    target.cluster.create(item, target.namespace)
    with pytest.raises(RefusedError, match=r"may hit 3 of 3 pods .* ConfigMap muster-safety .* \(at_most\.pods: 2\)"):
        check_reach("pod-crash", content_of(pod_crash), target.cluster, target.namespace, root=tmp_path)


def test_pods_that_are_made_anew_one_after_the_other_are_missing_one_at_a_time() -> None:
    (strike,) = told(content(own("renew_pods", workloads="Deployment/web")), SHOP)
    assert {touch.act for touch in strike.touches} == {"deleted, one after the other"}
    assert (len(strike.pods), strike.most) == (4, 1)
