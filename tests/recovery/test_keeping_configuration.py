"""Only a configuration that every instance has, and that a healthy system runs by, is called good."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from tests.safety.recorded import on_record

from muster.base.errors import RefusedError, UsageError
from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.probes.answers.instances import ask_instances
from muster.recovery.configuration import Reports, check_healthy, configurations_of
from muster.recovery.confirmation import is_borne_by, not_made_since
from muster.safety import Entry
from muster.safety.fields import parse_path
from muster.system import Request, read_system
from muster.system.known_good import Content, known_good

from .configured import BROKEN, GOOD, WRONG, Shop


@pytest.fixture
def shop(cluster: Cluster, namespace: str, tmp_path: Path) -> Shop:
    return Shop.deploy(cluster, namespace, tmp_path, follow=True)


def kept(shop: Shop) -> list[str]:
    found = known_good(shop.cluster, shop.context.namespace, "settings")
    return [version.content.data["settings.yaml"] for version in found]


def test_it_is_kept_once_with_the_version_that_instances_report(shop: Shop) -> None:
    assert [shop.keep().new, shop.keep().new] == [True, False]
    (version,) = known_good(shop.cluster, shop.context.namespace, "settings")
    assert (version.content.data, version.reported, version.why) == ({"settings.yaml": GOOD}, GOOD, "it ran")
    assert shop.context.audit.path.read_text().count("keep configuration") == 1


def test_what_instances_have_something_against_is_not_kept(shop: Shop) -> None:
    shop.set(BROKEN)
    with pytest.raises(RefusedError, match=r"not kept: an instance reports: settings\.yaml cannot be read"):
        shop.keep()
    assert kept(shop) == []


def test_what_instances_have_not_taken_over_is_not_kept(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    shop = Shop.deploy(cluster, namespace, tmp_path, follow=False)
    shop.keep()
    shop.set(WRONG)
    with pytest.raises(RefusedError, match=r"(?s)not kept: the instances still have version .*, that of 2"):
        shop.keep()
    assert kept(shop) == [GOOD]


def test_what_is_right_again_is_not_kept_with_the_version_of_what_pods_still_run(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    shop = Shop.deploy(cluster, namespace, tmp_path, follow=False)
    shop.set(WRONG)
    shop.restart()
    shop.set(GOOD)
    with pytest.raises(RefusedError, match=r"not kept: it does not show that the instances run by it, as pod web-"):
        shop.keep()
    assert kept(shop) == []
    shop.restart()
    assert shop.keep().version.reported == GOOD
    shop.set(WRONG)
    shop.restart()
    shop.set(GOOD)
    with pytest.raises(RefusedError, match=r"(?s)was kept on 2.* with version .*, and the instances report .*taken it"):
        shop.keep()
    assert [one.reported for one in known_good(cluster, namespace, "settings")] == [GOOD]


def test_where_instances_cannot_tell_it_is_kept_once_all_of_them_were_made_with_it(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    shop = Shop.deploy(cluster, namespace, tmp_path, follow=False, tells=False)
    assert shop.keep().new
    shop.set(WRONG)
    with pytest.raises(RefusedError, match=r"before the last change of ConfigMap .*; restart Deployment web, and keep"):
        shop.keep()
    shop.restart()
    assert shop.keep().new
    assert kept(shop) == [WRONG, GOOD]


@pytest.mark.parametrize(
    ("version", "borne"),
    [
        (hashlib.sha256(b"rate: 1\n").hexdigest()[:12], True),
        (hashlib.md5(b"rate: 1\n", usedforsecurity=False).hexdigest().upper(), True),
        (hashlib.sha256(b"\x00\xff").hexdigest(), True),
        ("release 7 of 2026", True),
        (hashlib.sha256(b"rate: 2\n").hexdigest()[:12], False),
        (hashlib.sha256(b"rate: 1\n").hexdigest()[:6], False),  # so short that chance may have it
        ("1", False),
        (1, False),
        (None, False),
    ],
)
def test_a_version_that_a_content_bears_is_told_from_one_that_it_does_not(version: object, borne: bool) -> None:
    content = Content({"settings.yaml": "rate: 1\n", "n": "1", "name": "release 7 of 2026"}, {"key": "AP8="})
    assert is_borne_by(version, content) == borne


@pytest.mark.parametrize(
    ("changes", "pods", "older"),
    [
        (["2026-01-01T00:00:00Z"], ["2026-01-01T00:00:00Z"], ""),  # made with it
        (["2026-01-01T00:00:00Z", "2026-01-01T00:00:09Z"], ["2026-01-01T00:00:10Z"], ""),
        (["2026-01-01T00:00:09Z"], ["2026-01-01T00:00:10Z", "2026-01-01T00:00:09Z"], "pod p1 was made"),
        (["2026-01-01T00:00:09Z"], ["2026-01-01T00:00:00Z"], "pod p0 was made"),
        ([], ["2026-01-01T00:00:10Z"], "does not tell when it was last changed"),
        (["2026-01-01T00:00:00Z"], [], "there is no pod"),
    ],
)
def test_a_pod_made_after_the_last_change_has_it(changes: list[str], pods: list[str], older: str) -> None:
    fields = [{"manager": "ann", "time": time} for time in changes]
    born = "2026-01-01T00:00:00Z"
    config_map = {"metadata": {"name": "settings", "creationTimestamp": born, "managedFields": fields}}
    made = [{"metadata": {"name": f"p{n}", "creationTimestamp": time}} for n, time in enumerate(pods)]
    said = not_made_since(config_map, made)
    assert older in said
    assert bool(said) == bool(older)


def test_what_is_not_there_is_not_kept(shop: Shop) -> None:
    shop.cluster.delete("ConfigMap", "settings", shop.context.namespace)
    with pytest.raises(RefusedError, match="not kept: there is none in namespace"):
        shop.keep()


def test_without_an_answer_it_is_not_kept(shop: Shop) -> None:
    shop.cluster.scale("Deployment", "web", shop.context.namespace, 0)
    asked = shop.context.url, Request(path="/")
    wait_for(lambda: not ask_instances(*asked).documents, within=60, reason="no instance to answer any more")
    with pytest.raises(RefusedError, match="24 questions for the status came to nothing"):
        shop.keep()


def test_a_healthy_system_passes_and_a_crashing_one_does_not(shop: Shop) -> None:
    check_healthy(shop.cluster, shop.context.system)
    shop.set_env("BAD", "1")
    wait_for(shop.web.troubles, within=60, reason="a pod to crash")
    with pytest.raises(RefusedError, match="nothing is kept, as system 'shop' is not healthy: pod web-"):
        check_healthy(shop.cluster, shop.context.system)


def test_a_system_that_lacks_pods_or_has_a_fault_in_force_does_not_pass(shop: Shop) -> None:
    cluster, namespace = shop.cluster, shop.context.namespace
    cluster.patch("Deployment", "web", namespace, {"spec": {"replicas": 3}})
    with pytest.raises(RefusedError, match="not healthy: Deployment web"):
        check_healthy(cluster, shop.context.system)
    entry = Entry("ConfigMap", "settings", parse_path('data["settings.yaml"]'), GOOD, WRONG)
    on_record(cluster, namespace, entry)
    with pytest.raises(RefusedError, match=r"the fault 'flood' of .* is still in force"):
        check_healthy(cluster, shop.context.system)


@pytest.mark.parametrize(
    ("reports", "strange"),
    [
        (Reports(tells=True, versions=["a", "a"]), None),
        (Reports(tells=True, versions=["a", "b"]), "the instances have different versions (a, b)"),
        (Reports(tells=True), "no instance tells its version"),
        (Reports(tells=True, versions=["a"], errors=["bad"]), "an instance reports: bad"),
        (
            Reports(tells=True, versions=["a"], failed=2, first_failure="503"),
            "2 questions for the status came to nothing (503)",
        ),
    ],
)
def test_what_the_answers_say_together(reports: Reports, strange: str | None) -> None:
    assert reports.strange == strange
    assert reports.all_have("a") == (strange is None)
    assert not reports.all_have("c")


def test_a_version_that_is_no_text_is_no_other_one(shop: Shop) -> None:
    assert not Reports(tells=True, versions=["1"]).all_have(1)
    assert Reports(tells=True, versions=[1, 1]).all_have(1)


def test_a_system_without_configurations_says_so(shop: Shop, tmp_path: Path) -> None:
    text = (tmp_path / "system.yaml").read_text()
    (tmp_path / "system.yaml").write_text(text[: text.index("operations:")])
    with pytest.raises(UsageError, match=r"system 'shop' declares no 'operations\.configuration'"):
        configurations_of(read_system(tmp_path))
