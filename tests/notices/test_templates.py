"""What people are told is whole, in their language, and a project's own where it has its own words."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path

import pytest
from tests.incidents.made import at, incident

from muster.base.packaged import NOTICES
from muster.incidents import Incident
from muster.incidents.incident import moment
from muster.incidents.notices import notice_of
from muster.notices import NoticeError
from muster.notices.post import fields_of
from muster.notices.templates import Templates, Text

from .telling import notice

OF_INCIDENTS = ("p1", "p2", "p3", "team", "external", "status-page", "email", "social")
STANDING = {
    "open": incident("P1"),
    "acknowledged": incident("P1", acknowledged=60, technical="Kim"),
    "resolved": incident("P1", acknowledged=60, resolved=600, technical="Kim", commander="Sam", cause="Service/api"),
}


def said(name: str, language: str, of: Incident, **further: object) -> Text:
    told = notice_of(of, further=further, now=moment(at(300)))
    return Templates().render(name, language, fields_of(told), drill=of.drill)


@pytest.mark.parametrize(("name", "language", "standing"), [*product(OF_INCIDENTS, ("en", "zh"), STANDING)])
def test_every_template_is_rendered_from_one_incident(name: str, language: str, standing: str) -> None:
    text = said(name, language, STANDING[standing])
    assert "shop" in text.subject
    assert len(text.subject) <= 100
    assert not any(word in text.subject + text.body for word in ("None", "{{", "{%", "undefined"))
    assert any("\u4e00" <= letter <= "\u9fff" for letter in text.body) == (language == "zh")
    assert not any(line.endswith(" ") for line in text.body.splitlines())


def test_no_template_is_forgotten_here() -> None:
    every = {(one.name, one.language) for one in Templates().found()}
    assert every == set(product((*OF_INCIDENTS, "digest", "test"), ("en", "zh")))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_tired_person_reads_what_is_wrong_and_what_to_type(language: str) -> None:
    text = said("p1", language, STANDING["open"])
    assert text.subject.replace("\uff1a", ": ").startswith("P1 shop: it hurts")
    assert "muster incident ack 20260302-0" in text.body
    assert "2026-03-02 00:15 UTC" in text.body, "by when it is promised back"
    over = said("p1", language, STANDING["resolved"], why="selector put back")
    assert "selector put back" in over.body
    assert "muster incident ack" not in over.body
    assert "muster incident review 20260302-0" in over.body


@pytest.mark.parametrize("language", ["en", "zh"])
def test_an_escalation_and_another_severity_say_so(language: str) -> None:
    asked = said("p1", language, STANDING["open"], asked="commander", why="nobody has taken it up for 5 min")
    assert "nobody has taken it up for 5 min" in asked.body
    assert asked.subject != said("p1", language, STANDING["open"]).subject
    assert "P2 becomes P1: all now" in said("p1", language, STANDING["open"], regraded="P2 becomes P1: all now").body


@pytest.mark.parametrize(("name", "language"), [*product(("external", "status-page", "social"), ("en", "zh"))])
def test_what_the_public_reads_tells_nothing_of_how_the_system_is_built(name: str, language: str) -> None:
    of = replace(STANDING["acknowledged"], title="Service/api: no pod matches", cause="Service/api", cluster="prod-7")
    text = said(name, language, of, impact="Orders may be late.")
    assert "Orders may be late." in text.body
    for word in ("Service", "api", "prod-7", "Kim", "muster", "P1"):
        assert word not in text.subject + text.body


@pytest.mark.parametrize(("language", "most"), [("en", 280), ("zh", 140)])
def test_a_social_post_is_short_enough(language: str, most: int) -> None:
    for of in STANDING.values():
        assert len(said("social", language, of).body) <= most


def test_a_p4_wakes_nobody() -> None:
    assert "next working day" in said("p3", "en", incident("P4")).body
    assert "within 2 h" in said("p3", "en", incident("P3")).body


@pytest.mark.parametrize("name", ["p1", "p2", "p3"])
def test_an_alert_of_no_incident_is_told_by_the_same_templates(name: str) -> None:
    for language, state in product(("en", "zh"), ("trigger", "acknowledge", "resolve")):
        assert "orders hang" in Templates().render(name, language, fields_of(notice(state=state))).body


@pytest.mark.parametrize(("language", "mark"), [("en", "[DRILL]"), ("zh", "\u3010\u6f14\u7ec3\u3011")])
def test_what_is_of_a_drill_is_marked_whatever_a_template_says(tmp_path: Path, language: str, mark: str) -> None:
    (tmp_path / f"p1.{language}.j2").write_text("Subject: own\n\nwords\n")
    text = Templates(tmp_path).render("p1", language, {}, drill="db_failure")
    assert text.subject == f"{mark} own"
    assert "db_failure" in text.body.splitlines()[0]


def test_a_project_says_it_in_its_own_words(tmp_path: Path) -> None:
    (tmp_path / "p1.en.j2").write_text('{% extends "_notice.en.j2" %}{% block answer %}Call 4711.{% endblock %}')
    (tmp_path / "p1.fr.j2").write_text("Subject: panne de {{ system }}\n\n{{ began | time }}\n")
    (tmp_path / "board.en.j2").write_text("Subject: for the board\n\n{{ title }}\n")
    own = Templates(tmp_path, timezone="Asia/Shanghai")
    fields = fields_of(notice_of(STANDING["open"]))
    assert "Call 4711." in own.render("p1", "en", fields).body
    assert "Call 4711." not in own.packaged().render("p1", "en", fields).body
    assert own.render("p1", "fr", fields) == Text("panne de shop", "2026-03-02 08:00 CST")
    assert own.render("board", "en", fields).body == "it hurts"
    assert [one.origin for one in own.found() if one.name == "p1"] == ["project", "project", "package"]


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("Subject: x\n\n{{ colour }}\n", r"template p1.en.j2, line 3: 'colour' is undefined; this notice has: .*title"),
        ("Subject: x\n\n{{ drill }}\n", r"template p1.en.j2, line 3: a field that it shows holds nothing"),
        ("Subject: x\n\n{{ colour | time }}\n", r"template p1.en.j2, line 3: 'colour' is undefined"),
        ("Subject: x\n\n{{ title | time }}\n", r"template p1.en.j2, line 3: Invalid isoformat"),
        ("Subject: x\n\n{{ title | nope }}\n", r"template p1.en.j2, line 3: No filter named 'nope'"),
        ("Subject: x\n\n{% if %}\n", r"template p1.en.j2, line 3: Expected an expression"),
        ('{% extends "gone.j2" %}', r"template p1.en.j2.*: there is no template 'gone.j2'"),
        ("{{ title }}\n\nwords\n", r"template p1.en.j2 must begin with 'Subject: \.\.\.'"),
        ("Subject: x\n", r"template p1.en.j2 must begin with 'Subject: \.\.\.'"),
    ],
)
def test_a_template_that_cannot_be_rendered_is_one_sentence(tmp_path: Path, written: str, message: str) -> None:
    (tmp_path / "p1.en.j2").write_text(written)
    with pytest.raises(NoticeError, match=message) as caught:
        Templates(tmp_path).render("p1", "en", fields_of(notice()))
    assert "\n" not in str(caught.value)


def test_what_is_not_there_is_said() -> None:
    with pytest.raises(NoticeError, match=r"template 'p9' is not known \(there are: digest, email, .*\)"):
        Templates().render("p9", "en", {})
    with pytest.raises(NoticeError, match=r"template 'p1' is not there in 'fr' \(there are: en, zh\)"):
        Templates().render("p1", "fr", {})
    with pytest.raises(NoticeError, match="severity 'P9' is not known"):
        notice(severity="P9")
    with pytest.raises(NoticeError, match="state 'fire' is not known"):
        notice(state="fire")
    with pytest.raises(NoticeError, match="key has 300 characters; right would be 1 to 255"):
        notice(key="k" * 300)
    with pytest.raises(NoticeError, match="has no title"):
        notice(title="\n\x1b ")


def test_a_title_is_one_line_whatever_it_is_made_of() -> None:
    assert notice(title="a\r\nBcc: you@example.org\x1b[2J").title == "a Bcc: you@example.org [2J"


def test_every_file_is_a_template_or_part_of_one() -> None:
    parts = {path.name for path in NOTICES.iterdir()} - {one.path.name for one in Templates().found()}
    assert parts == {"_notice.en.j2", "_notice.zh.j2"}
