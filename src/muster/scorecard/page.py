"""The scorecard as one HTML file that needs nothing beside itself: no server, no script, no address to ask."""

from __future__ import annotations

from datetime import datetime, timedelta

from markupsafe import Markup

from muster.history.words import age
from muster.incidents.indicators import Indicator
from muster.pages import environment
from muster.scorecard.chart import chart
from muster.scorecard.content import Drill, ReleaseStory, Scorecard
from muster.scorecard.release_chart import release_chart

SHOWN = 10  # the latest runs of a drill in its table
SIGNS = {"met": "✓", "missed": "✗", "unknown": "?"}


def page(card: Scorecard) -> str:
    """The document."""
    templates = environment("muster.scorecard")
    templates.filters |= {"day": _day, "figure": _figure, "days": _days}
    template = templates.get_template("scorecard.html.j2")
    drawn = {"chart": _chart, "release_chart": _release_chart}
    return template.render(card=card, signs=SIGNS, shown=SHOWN, wanted=_wanted, value=_value, **drawn)


def _chart(drill: Drill, number: int) -> Markup:
    return Markup(chart(drill, f"chart-{number}"))  # noqa: S704 - all that it is told is escaped there


def _release_chart(story: ReleaseStory, number: int) -> Markup:
    return Markup(release_chart(story, f"release-chart-{number}"))  # noqa: S704 - as above


def _day(stamp: str | datetime) -> str:
    moment = stamp if isinstance(stamp, datetime) else datetime.fromisoformat(stamp)
    return f"{moment:%Y-%m-%d %H:%M}"


def _figure(seconds: float | None) -> str:
    return "none" if seconds is None else f"{seconds:.3g} s"


def _days(days: float) -> str:
    return age(timedelta(days=max(days, 0.0)))


def _value(one: Indicator) -> str:
    if one.value is None:
        return "nothing on record"
    return one.in_unit(one.value)


def _wanted(one: Indicator) -> str:
    if one.target is None:
        return "none"
    return f"{'less than' if one.better == 'below' else 'at least'} {one.in_unit(one.target)}"
