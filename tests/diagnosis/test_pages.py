"""A kind is read in pages, all of it or, where there is no end of it, with a word of what was not read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import pytest
from tests.diagnosis.building import deployment, service, snapshot

from muster.base.clock import now
from muster.base.errors import ClusterError
from muster.diagnosis import diagnose
from muster.kube import ApiError, Cluster
from muster.snapshot import Missing
from muster.snapshot.cluster import KINDS, list_all
from muster.snapshot.gather import gather

CONFIG_MAPS = next(kind for kind in KINDS if kind.name == "ConfigMap")


class Answer:
    """A page."""

    def __init__(self, content: object) -> None:
        self._content = content

    def json(self) -> object:
        return self._content


class Paged:
    """A cluster of so many objects of each kind; from the one at `breaks` on it answers with that."""

    embedded = False
    context = "c"

    def __init__(self, many: int, *, breaks: int = 1 << 30, error: Exception | None = None) -> None:
        self.many, self.breaks, self.error = many, breaks, error
        self.asked: list[dict[str, str]] = []

    def request(self, *_: object, query: dict[str, str], **__: object) -> Answer:
        self.asked.append(query)
        begin = int(query.get("continue", 0))
        if begin >= self.breaks and self.error:
            error, self.error = self.error, None
            raise error
        end = min(begin + int(query.get("limit", self.many)), self.many)
        left = {"continue": str(end), "remainingItemCount": self.many - end} if end < self.many else {}
        items = [{"metadata": {"name": f"m{number}", "namespace": "shop"}} for number in range(begin, end)]
        return Answer({"metadata": left, "items": items})


def listed(paged: Paged, *, seconds: float = 30.0) -> Any:
    return list_all(cast("Cluster", paged), CONFIG_MAPS, None, now() + seconds)


def test_all_pages_are_read() -> None:
    paged = Paged(1200)
    found = listed(paged)
    assert (len(found), found.rest) == (1200, "")
    assert [one.get("continue") for one in paged.asked] == [None, "500", "1000"]


def test_where_there_is_no_end_of_it_the_rest_is_told() -> None:
    found = listed(Paged(70_000))
    assert len(found) == 20_000
    assert found.rest == "the first 20000 were read, 50000 more are there: no more than 20000 of a kind are"


def test_pages_that_have_come_are_kept_where_the_next_does_not() -> None:
    found = listed(Paged(1200, breaks=1000, error=ClusterError("it hangs")))
    assert (len(found), found.rest) == (1000, "the first 1000 were read, 200 more are there: it hangs")


def test_a_list_that_changed_faster_than_it_was_read_is_read_whole() -> None:
    found = listed(Paged(1200, breaks=1000, error=ApiError("too old resource version", code=410, reason="Expired")))
    assert (len(found), found.rest) == (1200, "")


def test_a_kind_of_which_nothing_came_is_not_empty() -> None:
    with pytest.raises(ClusterError, match="no answer in time"):
        listed(Paged(10), seconds=0)


def test_what_was_not_read_is_unknown_and_no_finding_rests_on_its_absence() -> None:
    kept = snapshot([*deployment(), service(), service("gone", selector={"app": "gone"})])
    assert len(diagnose(kept).causes) == 2
    part = replace(kept, listed=kept.listed - {"Pod"}, missing=(Missing("rest of Pod", "the first 20000 were read"),))
    diagnosis = diagnose(part)
    assert diagnosis.causes == ()
    assert {one.what for one in diagnosis.unknown} == {"rest of Pod", "check services"}
    assert diagnosis.exit_code == 2


def test_a_snapshot_says_what_of_it_is_a_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muster.snapshot.cluster.MOST", 1000)
    paged = Paged(1700)
    monkeypatch.setattr("muster.snapshot.gather.Cluster", Paged)
    paged.version = lambda: "v1.36.2"  # type: ignore[attr-defined]
    taken = gather(lambda: cast("Cluster", paged), namespace="shop", within=20)
    rest = {missing.what: missing.why for missing in taken.missing}
    assert rest["rest of Pod"].startswith("the first 1000 were read, 700 more are there")
    assert "Pod" not in taken.listed
