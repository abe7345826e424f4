"""What code and docs cite is there to be read by whoever has the project, and nothing else is cited."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from .drill_project import ROOT

HERE = Path(__file__).relative_to(ROOT).as_posix()
# Papers from which the project was begun: who has the project does not have them.
ELSEWHERE = re.compile(
    r"(?<![\w/])(?:MEASURES|DESIGN|REQUIREMENTS|STYLE)(?:\.md\b|:)|\.\./shared\b|(?<![\w/-])shared/[a-z]"
)
CITED = re.compile(r"(?<![\w/])(?:docs|tests|systems|ci|bench|src)/[\w./-]*\.(?:md|json|yaml|py)\b")
TERM = re.compile(r"docs/measurement\.md, ([A-Z][\w ]*[\w])")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]*)(?:#([\w-]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
# Files of another project, which an example names.
EXAMPLES = ("src/main.py", "systems/shop/", "systems/kinto/")


def sources() -> dict[str, str]:
    """The project's own texts, by their path in it."""
    command = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    if listed.returncode:
        pytest.skip("this is no clone: nobody knows which files are the project's")
    names = [name for name in listed.stdout.decode().split("\0") if name and name != HERE and (ROOT / name).is_file()]
    texts = {}
    for name in names:
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            texts[name] = content.decode()
    return texts


def found(pattern: re.Pattern[str], texts: dict[str, str]) -> list[str]:
    """Where a pattern is found: file, line and what stands there."""
    return [
        f"{name}:{number}: {match[0]}"
        for name, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        for match in pattern.finditer(line)
    ]


def test_nothing_is_cited_that_its_reader_does_not_have() -> None:
    assert found(ELSEWHERE, sources()) == []


@pytest.mark.parametrize(
    "line",
    ["as in MEASURES.md, Verdict", "# REQUIREMENTS: more than", "see ../shared/x", "(shared/conformance/a.json)"],
)
def test_a_citation_of_another_paper_is_found(line: str) -> None:
    assert found(ELSEWHERE, {"x.py": line})


@pytest.mark.parametrize("line", ["cat /shared/log", "two REQUIREMENTS are", "what is shared / own", "DESIGN_MD"])
def test_what_only_looks_like_one_is_not(line: str) -> None:
    assert not found(ELSEWHERE, {"x.py": line})


def test_every_file_that_is_cited_is_there() -> None:
    texts = {name: text for name, text in sources().items() if not name.startswith("tests/")}
    missing = [
        hit
        for hit in found(CITED, texts)
        if not (path := hit.rpartition(" ")[2]).startswith(EXAMPLES) and not (ROOT / path).exists()
    ]
    assert missing == []


def test_every_term_that_is_cited_is_defined_in_measurement() -> None:
    page = (ROOT / "docs/measurement.md").read_text()
    headings = [re.split(", | and ", heading)[0].removeprefix("The ").capitalize() for heading in HEADING.findall(page)]
    defined = {*headings, *re.findall(r"\*\*([^*]+?)\.?\*\*", page)}
    cited = {match[1] for name, text in sources().items() if name.endswith(".py") for match in TERM.finditer(text)}
    assert {"Verdict", "Steady", "Disruption"} <= cited
    assert cited - defined == set()


def test_every_link_of_the_docs_leads_somewhere() -> None:
    texts = {name: text for name, text in sources().items() if name.endswith(".md")}
    broken = []
    for name, text in texts.items():
        for path, anchor in LINK.findall(_without_code(text)):
            target = (ROOT / name).parent / path if path else ROOT / name
            if not target.exists():
                broken.append(f"{name}: {path}")
            elif anchor and anchor not in _anchors(target):
                broken.append(f"{name}: {path}#{anchor}")
    assert broken == []


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def _anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    headings = HEADING.findall(page.read_text())
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
