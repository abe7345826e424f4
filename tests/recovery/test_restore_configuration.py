"""The last known good configuration is put back, what needs it is restarted, and nothing else is touched."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster.base.errors import MusterError
from muster.base.waiting import wait_for
from muster.kube import Cluster
from muster.recovery import restore_configuration
from muster.recovery.restore_configuration import RestoreConfiguration
from muster.steps import Outcome
from muster.system.known_good import Content, KnownGood, keep, store_name

from .configured import BROKEN, GOOD, WRONG, Shop


@pytest.fixture
def shop(cluster: Cluster, namespace: str, tmp_path: Path) -> Shop:
    """A shop whose instances follow their settings, and whose settings are kept."""
    shop = Shop.deploy(cluster, namespace, tmp_path, follow=True)
    shop.keep()
    return shop


def states(outcome: Outcome) -> dict[str, str]:
    return {step.name: step.state for step in outcome.steps}


def detail(outcome: Outcome, step: str) -> str:
    return next(one.detail for one in outcome.steps if one.name == step)


def test_with_the_known_good_configuration_nothing_is_done(shop: Shop) -> None:
    before, version = shop.uids(), shop.cluster.get("ConfigMap", "settings", shop.context.namespace)
    outcome = shop.restore()
    assert outcome.ok, outcome.why
    assert set(states(outcome).values()) == {"skipped"}
    assert shop.uids() == before
    assert shop.cluster.get("ConfigMap", "settings", shop.context.namespace) == version


def test_what_nobody_can_start_with_is_replaced_and_crashing_pods_are_made_anew(shop: Shop) -> None:
    shop.set(BROKEN)
    shop.kill()
    shop.wait_crashing()
    crashing = shop.uids()
    outcome = shop.restore()
    assert outcome.ok, outcome.why
    assert "settings.yaml line 2: speed: 1 -> [" in detail(outcome, "diagnose")
    assert "container web: " in detail(outcome, "diagnose")
    assert states(outcome)["re-create pods"] == "done"
    assert states(outcome)["restart what does not follow"] == "skipped"
    assert shop.content() == {"settings.yaml": GOOD}
    assert not shop.uids() & crashing
    assert shop.ready() == 2
    assert set(states(shop.restore()).values()) == {"skipped"}


def test_instances_that_follow_are_not_restarted(shop: Shop) -> None:
    before = shop.uids()
    shop.set(WRONG)
    outcome = shop.restore()
    assert outcome.ok, outcome.why
    done = [name for name, state in states(outcome).items() if state == "done"]
    assert done == ["diagnose", "restore", "verify"]
    assert shop.uids() == before


def test_what_running_instances_refuse_is_put_right_before_anybody_starts_with_it(shop: Shop) -> None:
    before = shop.uids()
    shop.set(BROKEN)
    outcome = shop.restore()
    assert outcome.ok, outcome.why
    assert "an instance reports: settings.yaml cannot be read" in detail(outcome, "diagnose")
    assert shop.uids() == before


@pytest.mark.parametrize("tells", [True, False], ids=["tell-their-version", "cannot-tell"])
def test_instances_that_do_not_follow_are_restarted(
    cluster: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tells: bool
) -> None:
    monkeypatch.setattr(restore_configuration, "FOLLOW_WITHIN_S", 0.3)
    shop = Shop.deploy(cluster, namespace, tmp_path, follow=False, tells=tells)
    shop.keep()
    before = shop.uids()
    shop.set(WRONG)
    if tells:  # they have the wrong version only once they started with it
        shop.kill()
        wait_for(lambda: shop.ready() == 2 and not shop.uids() & before, within=60, reason="pods with the wrong one")
        before |= shop.uids()
    outcome = shop.restore()
    assert outcome.ok, outcome.why
    assert detail(outcome, "restart what does not follow") == "restarted Deployment web"
    assert not shop.uids() & before
    assert shop.ready() == 2


def test_a_configuration_that_is_gone_is_made_anew(shop: Shop) -> None:
    shop.cluster.delete("ConfigMap", "settings", shop.context.namespace)
    outcome = shop.restore()
    assert outcome.ok, outcome.why
    assert detail(outcome, "diagnose").endswith(": it is gone")
    assert shop.content() == {"settings.yaml": GOOD}


def test_an_older_version_can_be_asked_for(shop: Shop) -> None:
    shop.set(WRONG)
    shop.restore(version="1")
    shop.set(WRONG + "# tried by ann\n")
    assert shop.keep().new
    outcome = shop.restore(version="2", config_map="settings")
    assert outcome.ok, outcome.why
    assert shop.content() == {"settings.yaml": GOOD}


def test_a_change_made_since_the_diagnosis_is_not_overwritten(shop: Shop) -> None:
    shop.set(WRONG)
    steps = iter(RestoreConfiguration().steps(shop.context))
    assert next(steps).check()
    restore = next(steps)
    shop.set(WRONG + "# mended by ann\n")
    assert restore.check()
    with pytest.raises(MusterError, match="ConfigMap settings was changed by another since it was looked at"):
        restore.do()
    assert shop.content() == {"settings.yaml": WRONG + "# mended by ann\n"}


def test_pods_that_crash_with_the_good_configuration_too_are_said_to(shop: Shop) -> None:
    shop.set_env("BAD", "1")
    shop.set(WRONG)
    shop.wait_crashing(pods=1)
    outcome = shop.restore()
    assert not outcome.ok
    assert "with the known good configuration, too (see repair-crashed-pods)" in outcome.why
    assert shop.content() == {"settings.yaml": GOOD}


def poison(shop: Shop) -> None:
    """Keep the good content with the version of the wrong one, as a look at pods that lag behind once did."""
    name, namespace = store_name("settings"), shop.context.namespace
    shop.cluster.delete("ConfigMap", name, namespace)
    good = KnownGood(Content({"settings.yaml": GOOD}), "2026-01-02T03:04:05Z", "ann", "it ran", WRONG)
    keep(shop.cluster, namespace, "settings", good)


@pytest.mark.parametrize("changed", [True, False])
def test_what_was_kept_with_a_version_that_is_not_its_own_is_said_to_be_wrong(shop: Shop, changed: bool) -> None:
    poison(shop)
    before = shop.uids()
    if changed:
        shop.set(WRONG)
    outcome = shop.restore()
    assert not outcome.ok
    assert "which they will never report: it is wrong what is kept; delete ConfigMap muster-known-good-settings" in (
        outcome.why
    )
    assert outcome.ended - outcome.began < 30, "it is said at once, and not after the time of the verification"
    assert shop.content() == {"settings.yaml": GOOD}
    assert shop.uids() == before, "no restart would have mended that"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"version": "2"}, "no known good version 2 of ConfigMap settings is kept in namespace"),
        ({"version": "0"}, "version is '0'; right would be a number: 1 for the newest kept"),
        ({"config_map": "prices"}, "ConfigMap 'prices' is no configuration of system 'shop' (there are: settings)"),
    ],
)
def test_what_is_not_kept_cannot_be_restored(shop: Shop, arguments: dict[str, str], why: str) -> None:
    outcome = shop.restore(**arguments)
    assert not outcome.ok
    assert why in outcome.why


def test_without_a_known_good_one_it_fails_in_a_sentence(cluster: Cluster, namespace: str, tmp_path: Path) -> None:
    shop = Shop.deploy(cluster, namespace, tmp_path, follow=True)
    shop.set(WRONG)
    outcome = shop.restore()
    assert not outcome.ok
    assert f"no known good version of ConfigMap settings is kept in namespace '{namespace}'" in outcome.why
    assert "muster keep" in outcome.why
    assert shop.content() == {"settings.yaml": WRONG}
