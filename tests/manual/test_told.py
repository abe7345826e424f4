"""What the manual tells is what the code does: its facts, its commands, its links, in either language."""

from __future__ import annotations

import re
import runpy
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tests.least import least

from muster.cli.main import commands
from muster.history.plan import Planned
from muster.incidents.indicators import MTTD_S
from muster.manual import LANGUAGES, Manual, drift, manual, texts
from muster.manual.words import words
from muster.manual.writing import Text
from muster.recovery import procedures
from muster.steps import Outlined
from muster.system import SystemDefinition, read_system

ROOT = Path(__file__).resolve().parents[2]
PLAN = {
    "db_failure": Planned("db_failure", "P1", "monthly", fault="db-failure", recovery="promote-standby", budget_s=30.0),
    "loose": Planned("loose"),
}
NAMED = re.compile(r"`(muster [^`\n]+)`|^ {4,}(muster [^\n#]+)", re.MULTILINE)
LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


def told(system: SystemDefinition, plan: dict[str, Planned] | None = None) -> Manual:
    return manual(system, PLAN if plan is None else plan, set(commands.commands))


@pytest.fixture(scope="module")
def enhancer() -> Manual:
    return told(read_system(ROOT / "systems/enhancer"))


def marked() -> dict[str, Planned]:
    """The project's drills by their markers, as `muster plan` lists them, but in milliseconds."""
    found = {}
    for path in sorted((ROOT / "drills").glob("test_*.py")):
        for name, function in runpy.run_path(str(path)).items():
            for mark in getattr(function, "pytestmark", []):
                if mark.name == "drill":
                    said = {
                        key: mark.kwargs.get(key) for key in ("severity", "cadence", "fault", "recovery", "budget_s")
                    }
                    found[name.removeprefix("test_")] = Planned(name.removeprefix("test_"), **said)
    return found


def test_the_files_of_the_reference_system_are_as_they_would_be_written() -> None:
    whole = told(read_system(ROOT / "systems/enhancer"), marked())
    written = [text for language in LANGUAGES for text in texts(whole, language)]
    drifted = [f"{one.path.relative_to(ROOT)}: {one.why}" for one in drift(ROOT / "docs", written)]
    assert drifted == [], "write them again: muster manual write"


def test_severities_are_those_of_system_yaml(tmp_path: Path) -> None:
    found = told(least(tmp_path, "severities:\n  P2: {rto_s: 1800, rpo_s: 60}"))
    promised = {grade.name: (grade.targets.rto_s, grade.targets.rpo_s) for grade in found.grades}
    assert (promised["P1"], promised["P2"]) == ((900.0, 300.0), (1800.0, 60.0))
    (grading,) = [text for text in texts(found, "en") if text.name == "grading"]
    assert "| P2 | within 30 min | 30 min | 1 min | less than 4 h |" in grading.markdown


def test_who_is_asked_next_is_what_an_incident_would_say(enhancer: Manual) -> None:
    said = [(rung.role, rung.since, rung.after_s) for rung in enhancer.ladder("P1")]
    assert said == [
        ("commander", "opened", 300.0),
        ("business", "opened", 600.0),
        ("commander", "began", 900.0),
        ("business", "began", 3600.0),
    ]
    assert ("commander", "opened", None) in [(one.role, one.since, one.after_s) for one in enhancer.ladder("P4")]


def test_so_it_is_where_the_system_promises_something_else(tmp_path: Path) -> None:
    found = told(least(tmp_path, "severities:\n  P1: {rto_s: 1200, rpo_s: 60}"))
    assert ("commander", "began", 1200.0) in [(rung.role, rung.since, rung.after_s) for rung in found.ladder("P1")]


def test_indicators_have_their_targets(enhancer: Manual) -> None:
    targets = {one.name: one.target for one in enhancer.indicators}
    assert targets["MTTD"] == MTTD_S
    assert targets.keys() >= {"MTTA", "MTTR P1", "MTBF", "availability", "recovery success"}


def test_a_procedure_names_the_drill_that_holds_it_and_how_old_its_evidence_may_be(enhancer: Manual) -> None:
    (one,) = [one for one in enhancer.procedures if one.name == "promote-standby"]
    assert [(drill.name, drill.renewed_s, drill.overdue_s) for drill in one.drills] == [
        ("db_failure", 31 * 86_400.0, 34 * 86_400.0)
    ]
    (page,) = [text for text in texts(enhancer, "en") if text.name == "procedures"]
    assert "- `db_failure` (P1), back within 30 s; monthly, so its evidence may be 31 days old." in page.markdown
    assert page.markdown.count("no drill. Run it with care") == len(enhancer.procedures) - 1


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_system_lacks_is_left_out(tmp_path: Path, language: str) -> None:
    found = told(least(tmp_path), {})
    assert {one.name for one in found.procedures} == {"full-restart", "repair-crashed-pods", "restart-service"}
    assert {"agents", "capacity", "replication", "workflows", "alerts", "levels"}.isdisjoint(
        one.name for one in found.checks
    )
    whole = "".join(text.markdown for text in texts(found, language))
    strange = ("promote-standby", "restore-backup", "muster backup", "two primaries", "两个主库", "agents", "drills -k")
    assert [word for word in strange if word in whole] == []
    assert "muster init" in whole


def test_what_system_yaml_adds_is_told_as_it_is_written_there(tmp_path: Path) -> None:
    own = "checks:\n  queue: {promql: max(orders), at_most: 500, summary: 'orders | wait `long` <b>', severity: P2}"
    program = "procedures:\n  fail-over: {run: /bin/true, summary: 'site a is lost: go to site b'}"
    prometheus = "monitoring: {prometheus: {url: 'http://127.0.0.1:9'}}"
    found = told(least(tmp_path, own, program, prometheus))
    pages = {text.name: text.markdown for text in texts(found, "zh-CN")}
    assert r"| `queue` | orders \| wait \`long\` \<b\> | 不超过 500 | P2 |" in pages["metrics"]
    assert "site a is lost。" in pages["procedures"]
    assert "muster recover fail-over --plan" in pages["procedures"]


# -- languages


def own_texts(found: Manual) -> Iterator[str]:
    """Everything that the code says in English, and the manual repeats."""
    yield from (grade.targets.response for grade in found.grades)
    yield from found.roles
    yield from (one.what for one in found.indicators)
    yield from (one.summary for one in found.checks)
    yield from (category for category, _ in found.categories())
    for one in found.procedures:
        yield from (one.when, one.does, *(what for _, what in one.parameters))
        yield from (text for step in one.steps for text in (step.name, step.what))


def test_all_that_the_code_says_is_told_in_chinese(enhancer: Manual) -> None:
    known = words("zh-CN")
    assert [text for text in own_texts(enhancer) if not re.search("[\u4e00-\u9fff]", known.text(text))] == []


def test_no_translation_is_left_of_what_nobody_says_any_more(enhancer: Manual) -> None:
    said = set(own_texts(enhancer))
    said |= {text.rpartition(": ")[2] for text in said}
    sources = [path for path in (ROOT / "src/muster").rglob("*") if path.suffix in {".py", ".j2"}]
    elsewhere = "".join(path.read_text() for path in sources)
    assert [text for text in words("zh-CN").texts if text not in said and text not in elsewhere] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_when_a_procedure_is_the_wrong_one_is_told_of_each(language: str) -> None:
    assert words(language).not_when.keys() == {one.name for one in procedures() if isinstance(one, Outlined)}


def test_both_languages_name_the_same_commands(enhancer: Manual) -> None:
    first, second = (
        {(text.book, text.name): sorted(named(text)) for text in texts(enhancer, language)} for language in LANGUAGES
    )
    assert first == second


# -- commands and links


def named(text: Text) -> list[str]:
    """The commands of muster that a page names, without what they are told."""
    found = [one or other for one, other in NAMED.findall(text.markdown)]
    return [re.sub(r'"[^"]*"', "TEXT", one).strip() for one in found]


def unknown(line: str) -> str:
    """What of a command line the command line does not know; nothing where all is well."""
    command: click.Command = commands
    for word in shlex.split(line)[1:]:
        if word.startswith("-"):
            if not any(word in option.opts for option in command.params):
                return f"{line}: {word}"
        elif isinstance(command, click.Group) and word in command.commands:
            command = command.commands[word]
        elif isinstance(command, click.Group):
            return f"{line}: {word}"
    return ""


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_command_is_one(enhancer: Manual, language: str) -> None:
    lines = [line for text in texts(enhancer, language) for line in named(text)]
    assert len(lines) > 80
    assert [fault for line in lines if (fault := unknown(line))] == []


@pytest.mark.parametrize("line", ["muster recovr x", "muster incident close latest", "muster status --twice"])
def test_a_command_that_is_none_is_found(line: str) -> None:
    assert unknown(line)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("system", ["enhancer", "shop"])
def test_every_link_leads_to_a_page_and_a_heading_of_the_same_language(
    tmp_path: Path, enhancer: Manual, language: str, system: str
) -> None:
    found = enhancer if system == "enhancer" else told(least(tmp_path), {})
    written = {text.path: text.markdown for text in texts(found, language)}
    broken = []
    for path, content in written.items():
        for target, anchor in LINK.findall(content):
            there = (Path("/") / path).parent.joinpath(target).as_posix() if target else f"/{path}"
            page = written.get(str(Path(re.sub(r"/[^/]+/[^/]+/\.\./\.\./", "/", there)).relative_to("/")))
            headings = [re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in HEADING.findall(page or "")]
            if page is None or (anchor and anchor not in headings):
                broken.append(f"{path}: {target}#{anchor}")
    assert broken == []
