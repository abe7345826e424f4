"""What only a system.yaml tells: databases, agents, work, faults in force, budgets; and what follows from which."""

from __future__ import annotations

from tests.diagnosis.building import Object, deployment, first, looked_at, made, ready, service, told

SYSTEM: Object = {"name": "shop", "namespace": "shop", "service": {"name": "web"}}
DATABASE: Object = {**SYSTEM, "database": {"service": "db", "instances": ["a", "b"], "selector_key": "instance"}}
WEB = [*deployment(), ready(), service()]


def test_what_follows_from_a_database_without_primary_stands_below_it() -> None:
    down = made("StatefulSet", "a", spec={"replicas": 0, "template": {"metadata": {"labels": {"app": "db"}}}})
    answers = {
        "service": {"asked": 3, "troubles": ["error: 503"] * 3, "url": "http://shop.example"},
        "database": {"instances": {"a": {"answers": False}, "b": {"answers": True, "primary": False}}},
    }
    diagnosis = looked_at([*WEB, service("db"), down], system=DATABASE, answers=answers)
    assert first(diagnosis) == ("Database", "db", "has no primary; b could be promoted")
    assert diagnosis.causes[0].severity == "P1"
    assert diagnosis.causes[0].remedy is not None
    assert diagnosis.causes[0].remedy.name == "promote-standby"
    assert all(cause.follows_from for cause in diagnosis.causes[1:]), [told(cause) for cause in diagnosis.causes]
