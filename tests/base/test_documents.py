"""What is no YAML is refused in one sentence, with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from muster.base.documents import parse_documents
from muster.base.errors import UsageError


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a: 1\n\tb: 2\n", "line 2: not YAML: found character '...' that cannot start any token"),
        ("a: 1\nb: [1\nc: 2\n", "line 3: not YAML: expected ','...']'...':'"),
        ("[" * 100_000 + "]" * 100_000, "it nests deeper than 64 levels"),
        ("- " * 100_000, "it nests deeper than 64 levels"),
        ("{a: " * 100_000, "it nests deeper than 64 levels"),
    ],
)
def test_what_is_no_yaml_is_told_in_one_sentence(text: str, why: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_documents(text, "manifest", Path("shop.yaml"))
    assert str(refused.value).endswith(why)
