"""YAML by libyaml's parser, in a tenth of the time, and by PyYAML's composer: one nest too deep crashes libyaml's own.

What is wrong with a text is told in the words of PyYAML's own parser, which people know.
"""

from __future__ import annotations

from typing import Any, ClassVar

import yaml
from yaml.composer import Composer


class QuickLoader(Composer, yaml.CSafeLoader):
    """Reads what SafeLoader does."""

    def __init__(self, text: str) -> None:
        yaml.CSafeLoader.__init__(self, text)
        Composer.__init__(self)


class DatelessLoader(yaml.SafeLoader):
    """Reads a date as the text that it is to Kubernetes, and to any API that answers in JSON."""

    yaml_implicit_resolvers: ClassVar[dict[str, Any]] = {  # type: ignore[misc]  # it is one of the class
        first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class QuickDatelessLoader(QuickLoader):
    """Reads what DatelessLoader does."""

    yaml_implicit_resolvers = DatelessLoader.yaml_implicit_resolvers


def loaded(text: str) -> Any:
    """What the one document of a text says, just as `yaml.safe_load` has it.

    Raises:
        yaml.YAMLError, ValueError, RecursionError: as `yaml.safe_load` does.
    """
    try:
        return yaml.load(text, Loader=QuickLoader)  # noqa: S506 - it constructs as SafeLoader does
    except (yaml.YAMLError, UnicodeError):
        return yaml.safe_load(text)


def composed(text: str, *, dates: bool = True) -> list[yaml.Node | None]:
    """The documents of a text as `yaml.compose_all` with its SafeLoader has them; without `dates` these are texts.

    Raises:
        yaml.YAMLError, RecursionError: as that does.
    """
    try:
        return list(yaml.compose_all(text, Loader=QuickLoader if dates else QuickDatelessLoader))
    except (yaml.YAMLError, UnicodeError):
        return list(yaml.compose_all(text, Loader=yaml.SafeLoader if dates else DatelessLoader))
