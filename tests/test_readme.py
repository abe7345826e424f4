"""The README in its two languages says the same, and what it shows for a repository of one's own works as it stands."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from muster.schemas import DIRECTORY
from muster.system import read_system

from .drill_project import ROOT, DrillProject

ENGLISH, CHINESE = "README.md", "README.zh-CN.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
FILES = {
    "systems/shop/system.yaml",
    "systems/shop/manifests/shop.yaml",
    "drills/test_shop.py",
}

OF_A_RUN = {
    "summary-v1.json": "summary.json",
    "manifest-v1.json": "manifest.json",
    "timeline-event-v1.json": "pods_lost.jsonl",
    "audit-line-v1.json": "audit.jsonl",
}


def blocks(page: str) -> list[tuple[str, str]]:
    """The fenced blocks of a page; those of a console without the remarks, which are translated."""
    found = BLOCK.findall(page)
    return [(kind, re.sub(r"\s+# .*", "", text) if kind == "console" else text) for kind, text in found]


def in_tables(page: str) -> list[str]:
    """What stands as code in the last column of a page's tables, in order."""
    rows = [line for line in page.splitlines() if line.startswith("|")]
    return [command for row in rows for command in INLINE.findall(row.rstrip("| ").rpartition(" | ")[2])]


def indented(page: str) -> list[str]:
    return re.findall(r"^    .*$", BLOCK.sub("", page), re.MULTILINE)


def links(page: str) -> list[str]:
    return re.findall(r"\]\(([^)]+)\)", page)[1:]  # the first leads to the other language


def read(name: str) -> str:
    return (ROOT / name).read_text()


@pytest.mark.parametrize("part", [blocks, in_tables, indented, links])
def test_both_languages_show_the_same(part) -> None:
    english, chinese = part(read(ENGLISH)), part(read(CHINESE))
    assert len(english) > 5
    assert english == chinese


def test_each_language_leads_to_the_other() -> None:
    for page, other in ((ENGLISH, CHINESE), (CHINESE, ENGLISH)):
        assert f"]({other})" in "".join(read(page).splitlines()[:4])


def test_the_two_commands_come_first() -> None:
    kind, commands = blocks(read(ENGLISH))[0]
    assert (kind, commands.split("\n")) == ("console", ["$ make drill", "$ make test", ""])


def shown() -> dict[str, str]:
    """The files that the README shows: each begins with a remark that says where it lies."""
    named = [
        (re.match(r"# (\S+)(, continued)?$", text.partition("\n")[0]), text) for _, text in BLOCK.findall(read(ENGLISH))
    ]
    files: dict[str, str] = {}
    for name, text in named:
        if name:
            path = name[1] + (" with writes" if name[2] else "")
            files[path] = (files[name[1]] if name[2] else "") + text
    return files


@pytest.fixture
def shop(tmp_path: Path) -> DrillProject:
    """A repository with what the README shows, and nothing else."""
    project = DrillProject(tmp_path)
    for name, text in shown().items():
        if name in FILES:
            project.write(name, text)
    return project


def test_the_readme_shows_every_file_of_a_repository() -> None:
    assert shown().keys() == FILES | {"systems/shop/system.yaml with writes"}


def test_muster_reads_a_repository_made_of_the_readme(shop: DrillProject) -> None:
    said = shop.pytest("drills", "--collect-only", "-q")
    assert (said.code, "test_shop.py::test_pods_lost" in said.output) == (0, True), said.output


@pytest.mark.parametrize(
    ("file", "right", "wrong", "said"),
    [
        ("systems/shop/system.yaml", "name: shop, port", "name: shpo, port", "shpo"),
        ("drills/test_shop.py", "clients", "clinets", "clinets"),
        ("drills/test_shop.py", "pods-lost", "pods-lots", "pods-lots"),
    ],
)
def test_a_slip_in_any_of_its_files_is_told(shop: DrillProject, file: str, right: str, wrong: str, said: str) -> None:
    text = (shop.root / file).read_text()
    assert right in text
    shop.write(file, text.replace(right, wrong, 1))
    session = shop.pytest("drills", "--collect-only", "-q")
    assert session.code != 0
    assert said in session.output


def test_the_readme_says_how_writes_are_made_and_found(shop: DrillProject) -> None:
    assert read_system(shop.root / "systems/shop").ledger is None
    shop.write("systems/shop/system.yaml", shown()["systems/shop/system.yaml with writes"])
    ledger = read_system(shop.root / "systems/shop").require_ledger()
    assert (ledger.create.method, ledger.read.path, ledger.content) == ("POST", "/orders/{id}", "note")


@pytest.mark.whole_machine
@pytest.mark.long(of="whole drills")
def test_the_first_drill_of_the_readme_is_met(shop: DrillProject) -> None:
    session = shop.pytest("drills")
    assert session.code == 0, session.output
    (drill,) = shop.summary()["drills"]
    assert (drill["verdict"], drill["recovered_by"]) == ("met", "platform")
    for schema, file in OF_A_RUN.items():
        text = (shop.root / "reports/latest" / file).read_text()
        contents = map(json.loads, text.splitlines()) if file.endswith(".jsonl") else [json.loads(text)]
        checks = Draft202012Validator(json.loads((DIRECTORY / schema).read_text()))
        assert [error.message for content in contents for error in checks.iter_errors(content)] == [], file
