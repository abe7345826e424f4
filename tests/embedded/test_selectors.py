"""Label and field selectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.embedded import selectors
from muster.embedded.status import StatusError

WORDS = st.from_regex(r"[a-z]([a-z0-9.-]{0,5}[a-z0-9])?", fullmatch=True)


@pytest.mark.parametrize(
    ("text", "labels", "selected"),
    [
        ("", {}, True),
        ("a=b", {"a": "b"}, True),
        ("a==b", {"a": "c"}, False),
        ("a!=b", {}, True),
        ("a!=b", {"a": "b"}, False),
        ("a in (b, c)", {"a": "c"}, True),
        ("a in (b)", {}, False),
        ("a notin (b,c)", {"a": "b"}, False),
        ("a notin (b)", {}, True),
        ("a", {"a": ""}, True),
        ("!a", {"a": "b"}, False),
        ("! a , c=d", {"c": "d"}, True),
        ("example.com/x=1,in=2", {"example.com/x": "1", "in": "2"}, True),
        ("a=", {"a": ""}, True),
    ],
)
def test_label_selectors(text: str, labels: dict[str, str], selected: bool) -> None:
    assert selectors.parse_labels(text)(labels) is selected


@pytest.mark.parametrize("text", ["a in (", "a b", "=a", "a=b=c", "a,,b", "a in b", "!", "a in (b) c"])
def test_what_is_no_selector_is_refused(text: str) -> None:
    with pytest.raises(StatusError) as caught:
        selectors.parse_labels(text)
    assert caught.value.code == 400


@given(st.dictionaries(WORDS, WORDS, min_size=1, max_size=4), st.dictionaries(WORDS, WORDS, max_size=4))
def test_a_selector_says_the_same_as_an_object_and_as_text(wanted: dict[str, str], labels: dict[str, str]) -> None:
    selector = {"matchLabels": wanted}
    as_text = selectors.parse_labels(selectors.to_text(selector))
    for candidate in (labels, wanted, wanted | labels):
        assert as_text(candidate) == selectors.from_object(selector)(candidate)
        assert as_text(candidate) == (wanted.items() <= candidate.items())


def test_no_selector_selects_nothing_and_an_empty_one_everything() -> None:
    assert not selectors.from_object(None)({"a": "b"})
    assert selectors.from_object({})({"a": "b"})


@pytest.mark.parametrize(
    ("text", "selected"),
    [
        ("metadata.name=p", True),
        ("metadata.name!=p", False),
        ("status.phase=Running,spec.nodeName=n", True),
        ("status.phase!=Running", False),
        ("spec.hostNetwork=false", True),
    ],
)
def test_field_selectors(text: str, selected: bool) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"nodeName": "n"}, "status": {"phase": "Running"}}
    assert selectors.parse_fields(text, "Pod")(pod) is selected


@pytest.mark.parametrize("text", ["spec.colour=red", "metadata.name", "=x"])
def test_field_selectors_that_do_not_exist_are_refused(text: str) -> None:
    with pytest.raises(StatusError):
        selectors.parse_fields(text, "Pod")
