"""Everything together: what breaks off is unknown, what is signed says what was found, answers are of one version."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from muster.base.errors import UsageError
from muster.gate.answers import Answers
from muster.gate.envelope import seal
from muster.gate.holding import NothingToSignError, items_of, statement_of
from muster.gate.statement import Statement, Waiver, moment
from muster.gate.subject import Found, Subject
from muster.gate.verifying import Wanted, verify
from muster.store.errors import NoHistoryError

from .held import DIGEST, subject, version
from .made import NOW, SIGNER, TRUSTED, waiver


def stated(one: Subject, *waived: dict[str, str]) -> Statement:
    items = items_of(one, Found("met", "through 8 phases"), "production")
    waivers = [Waiver.model_validate(each) for each in waived]
    return statement_of(one, items, waivers, purpose="production", days=7, by="pipeline")[0]


def test_what_is_signed_is_what_verifies() -> None:
    made = stated(subject())
    found = verify(seal(made.payload(), SIGNER), [TRUSTED], Wanted(images={"registry.example/shop": DIGEST[7:]}), NOW)
    assert found.statement == made
    assert found.judgement.verdict == made.predicate.verdict == "unknown"


def test_a_look_that_breaks_off_is_unknown_and_keeps_nobody_from_the_others() -> None:
    broken: Any = object()
    by_name = {item.name: item for item in items_of(subject(snapshot=broken), None, "production")}
    assert by_name["health"].outcome == "unknown"
    assert by_name["health"].why.startswith("the look broke off: AttributeError")
    assert by_name["version"].outcome == "met"
    assert "workflow" not in by_name


def test_on_the_embedded_cluster_it_is_said_for_production() -> None:
    rehearsed = {item.name: item for item in items_of(subject(evidence="rehearsal"), None, "production")}
    assert rehearsed["rehearsal"].outcome == "unknown"
    assert "rehearsal" not in {item.name for item in items_of(subject(evidence="rehearsal"), None, "rehearsal")}


def test_a_file_is_good_no_longer_than_a_waiver_that_it_needs() -> None:
    assert moment(stated(subject()).predicate.expires) == NOW + timedelta(days=7)
    until = "2026-03-02T23:59:59Z"
    made = stated(subject(), waiver("network", until=until), waiver("version", until="2026-03-01T23:00:00Z"))
    assert (made.predicate.expires, [one.what for one in made.predicate.waivers]) == (until, ["network"])


def test_what_is_not_known_by_content_is_not_signed() -> None:
    with pytest.raises(NothingToSignError, match="no file is made: Deployment/shop/shop: nobody knows it"):
        stated(subject(wanted=version(None)))


def test_answers_are_of_one_version_and_the_store_keeps_them(tmp_path: Path) -> None:
    with Answers.open("store.sqlite", tmp_path, create=True) as store:
        said = {"system": "shop", "version": "sha256:a", "question": "user-access", "by": "support", "why": "tried"}
        store.record(said="no", **said)  # type: ignore[arg-type]
        store.record(said="yes", **said)  # type: ignore[arg-type]
        assert [one.said for one in store.answers("shop", "sha256:a")] == ["no", "yes"]
        assert store.answers("shop", "sha256:b") == store.answers("bank", "sha256:a") == []
        for lacking in ({"by": " "}, {"why": "-"}):
            with pytest.raises(UsageError, match="an answer says who gives it, and why"):
                store.record(said="yes", **{**said, **lacking})  # type: ignore[arg-type]
    with pytest.raises(NoHistoryError):
        Answers.open("none.sqlite", tmp_path)


def test_the_last_accepted_version_or_one_that_is_kept_is_the_baseline(tmp_path: Path) -> None:
    made = stated(subject())
    with Answers.open("store.sqlite", tmp_path, create=True) as store:
        store.keep(made, version="sha256:a", baseline=False)
        assert store.baseline("shop", "staging", other_than="sha256:b") is None, "it was missed"
        store.keep(made, version="sha256:a", baseline=True)
        found = store.baseline("shop", "staging", other_than="sha256:b")
        assert found is not None
        assert (found.release, found.version) == ("5.2", "sha256:a")
        assert store.baseline("shop", "staging", other_than="sha256:a") is None, "it is not held against itself"
        assert store.baseline("shop", "production", other_than="sha256:b") is None
