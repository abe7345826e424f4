"""All files by which a system is watched: as they must be, as they are on the disk, and written."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import yaml

from muster.alerting.dashboards import dashboards
from muster.alerting.routing import alertmanager
from muster.alerting.rule_tests import rule_tests
from muster.alerting.rules import rules
from muster.alerting.scraping import prometheus
from muster.alerting.series import Watched
from muster.base.errors import UsageError
from muster.base.files import write_atomically

HEAD = (
    "# Written by `muster monitoring write` from system.yaml and its service levels: change those, and write it again."
)
_YAML: dict[str, tuple[str, Callable[[Watched], dict[str, Any]]]] = {
    "rules.yaml": ("recording rules and alerts", rules),
    "rules_test.yaml": ("their unit tests, for promtool", rule_tests),
    "prometheus.yaml": ("a whole configuration of Prometheus", prometheus),
    "alertmanager.yaml": ("a whole configuration of Alertmanager", alertmanager),
}
State = Literal["same", "changed", "missing"]


@dataclass(frozen=True)
class File:
    """A file as it must be; `state` is how the one on the disk was before."""

    path: Path
    what: str
    content: str
    state: State


def files(watched: Watched, folder: Path) -> list[File]:
    """Every file of a system in a folder. Nothing is written.

    Raises:
        UsageError: the OpenSLO file is wrong, or a file of the folder cannot be read.
    """
    found = [_file(folder / name, what, _yaml(what, make(watched))) for name, (what, make) in _YAML.items()]
    for name, text in dashboards(watched).items():
        found.append(_file(folder / "dashboards" / name, "a dashboard for Grafana", text))
    return found


def write(found: list[File]) -> None:
    """Write what is not there already.

    Raises:
        UsageError: a file cannot be written.
    """
    for file in found:
        if file.state == "same":
            continue
        try:
            file.path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(file.path, file.content)
        except OSError as error:
            raise UsageError(f"{file.path} cannot be written: {error.strerror}") from error


def _file(path: Path, what: str, content: str) -> File:
    try:
        there = path.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return File(path, what, content, "missing")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read: {error}") from error
    return File(path, what, content, "same" if there == content else "changed")


class _Dumper(yaml.SafeDumper):
    """Texts of several lines as blocks, and no anchors: people read these files."""

    def ignore_aliases(self, data: Any) -> bool:  # noqa: ARG002
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _text)


def _yaml(what: str, content: dict[str, Any]) -> str:
    body = yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return f"{HEAD}\n# {what[:1].upper()}{what[1:]}.\n{body}"
