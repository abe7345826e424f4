"""What a notice is: something that people are to be told, once, of something that has a name of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from muster.base.errors import UsageError
from muster.base.texts import one_line

SEVERITIES = ("P1", "P2", "P3", "P4")
# As the Events API v2 of PagerDuty calls what may happen to an alert: raised, taken up, over.
STATES = ("trigger", "acknowledge", "resolve")
# A page that arrives days later helps nobody; until then a channel may be down.
KEPT_S = 3 * 86400.0
_LONGEST = {"key": 255, "step": 64, "source": 64, "system": 255, "cluster": 255}


class NoticeError(UsageError):
    """A notice, template, language or channel does not exist or does not fit."""


@dataclass(frozen=True)
class Notice:
    """Something to be told: under one `key` it is raised, taken up and over, and told once of each `state` and `step`.

    `step` tells a further message of the same state from the first: an escalation, another severity. `fields` are what
    templates may use besides (texts, numbers, times in ISO 8601). `drill` names the drill that made it, None where it
    is in earnest; `incident` is the id of the one that it belongs to; `source` says in a word who tells. `template` is
    wanted in place of that of its severity, or of the channel. It is tried for `kept_s` seconds, and then given up.

    Raises:
        NoticeError: a part is missing, too long, or none that there is.
    """

    key: str
    state: str
    severity: str
    system: str
    cluster: str
    title: str
    source: str
    fields: Mapping[str, Any] = field(default_factory=dict)
    drill: str | None = None
    incident: str | None = None
    step: str = ""
    template: str | None = None
    kept_s: float = KEPT_S

    def __post_init__(self) -> None:
        _check(self.state, "state", STATES)
        _check(self.severity, "severity", SEVERITIES)
        for name, most in _LONGEST.items():
            said = getattr(self, name)
            if len(said) > most or not (said or name == "step"):
                raise NoticeError(f"a notice's {name} has {len(said)} characters; right would be 1 to {most}")
        # One line, whatever an object's name or a log held: it becomes the subject of a mail.
        object.__setattr__(self, "title", one_line(self.title))
        if not self.title:
            raise NoticeError(f"the notice '{self.key}' has no title; right would be what is wrong, in one line")


def _check(said: str, what: str, known: tuple[str, ...]) -> None:
    if said not in known:
        raise NoticeError(f"{what} '{said}' is not known (there are: {', '.join(known)})")
