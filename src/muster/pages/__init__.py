"""What pages for people have in common: one style, light and dark, and templates in which nothing may be missing.

A page needs nothing beside itself: no server, no script, no address to ask. What stands on one does not belong here:
see `muster.scorecard` and `muster.manual`.
"""

from __future__ import annotations

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined


def environment(package: str) -> Environment:
    """The templates of a package, as HTML: they extend `page.html.j2`, all that they are given is escaped, and what
    they are not given is an error."""
    return Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader("muster.pages")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
