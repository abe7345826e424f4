"""The objects of one OpenSLO file by kind and name, and how one is found from another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict
from pydantic.alias_generators import to_camel

from muster.base.errors import UsageError
from muster.objectives.openslo.documents import Document, Location, Model, read_documents
from muster.objectives.openslo.schema import VERSION, ConditionEntry, Inline, Metadata, PolicyEntry

KINDS = ("DataSource", "SLO", "SLI", "AlertPolicy", "AlertCondition", "AlertNotificationTarget", "Service")
OURS = "muster.dev/"  # what annotations for muster begin with
_NOTES = {
    "SLO": ("windows", "budget-share"),
    "AlertPolicy": ("windows",),
    "AlertCondition": ("short-window",),
}


class _Envelope(BaseModel):
    """What every object has."""

    model_config = ConfigDict(extra="forbid", frozen=True, alias_generator=to_camel)

    api_version: Literal["openslo/v1"]
    kind: str
    metadata: Metadata
    spec: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Placed:
    """An object and where it stands: at `where` of a document, which is () unless it is inside another."""

    document: Document
    where: Location
    metadata: Metadata
    content: dict[str, Any]

    @property
    def name(self) -> str:
        return self.metadata.name

    def spec(self, model: type[Model]) -> Model:
        """Its `spec` as a model.

        Raises:
            UsageError: it does not fit.
        """
        return self.document.fitted(model, self.content, (*self.where, "spec"))

    def wrong(self, where: Location, what: str) -> UsageError:
        """An error at a place within the object."""
        return self.document.wrong((*self.where, *where), what)

    def note(self, name: str) -> str | None:
        """The annotation muster.dev/`name`, or None."""
        return (self.metadata.annotations or {}).get(OURS + name)

    def wrong_note(self, name: str, what: str) -> UsageError:
        """An error in such an annotation."""
        return self.wrong(("metadata", "annotations", OURS + name), what)

    def check_notes(self, kind: str) -> None:
        """Refuse annotations for muster that it does not know.

        Raises:
            UsageError: there is one.
        """
        known = [OURS + name for name in _NOTES.get(kind, ())]
        for key in self.metadata.annotations or {}:
            if key.startswith(OURS) and key not in known:
                there = ", ".join(known) or "none"
                raise self.wrong(
                    ("metadata", "annotations", key), f"is not known to muster (of {kind} there are: {there})"
                )


@dataclass
class Objects:
    """Everything in one file."""

    path: Path
    _by_kind: dict[str, dict[str, Placed]] = field(default_factory=lambda: {kind: {} for kind in KINDS})

    @classmethod
    def read(cls, path: Path) -> Objects:
        """The objects of a file.

        Raises:
            UsageError: it cannot be read, or an object has no name, an unknown kind, or that of another.
        """
        objects = cls(path)
        for document in read_documents(path):
            objects._take(document)
        return objects

    def all(self, kind: str) -> Iterator[Placed]:
        """The objects of a kind, in order of the file."""
        yield from self._by_kind[kind].values()

    def found(self, kind: str, name: str) -> Placed | None:
        """The object of that kind and name, or None."""
        return self._by_kind[kind].get(name)

    def named(self, kind: str, name: str, user: Placed, where: Location) -> Placed:
        """The object that `user` names at `where`.

        Raises:
            UsageError: there is none in this file; the message lists those that there are.
        """
        found = self.found(kind, name)
        if found is None:
            there = ", ".join(sorted(self._by_kind[kind])) or "none"
            raise user.wrong(where, f"names {kind} '{name}', which is not in this file (there are: {there})")
        return found

    def entered(
        self,
        kind: str,
        entry: PolicyEntry | ConditionEntry | Inline | None,
        reference: str | None,
        user: Placed,
        where: Location,
    ) -> Placed:
        """The object that stands at `where` of `user` or, where `reference` is given, is named there.

        Raises:
            UsageError: no object of that kind has that name, or its annotations are wrong.
        """
        if reference is not None:
            key = {"AlertPolicy": "alertPolicyRef", "AlertCondition": "conditionRef", "SLI": "indicatorRef"}[kind]
            return self.named(kind, reference, user, (*where, key))
        assert entry is not None
        metadata = entry.metadata or user.metadata
        placed = Placed(user.document, (*user.where, *where), metadata, entry.spec or {})
        if entry.metadata is not None:
            placed.check_notes(kind)
        return placed

    def _take(self, document: Document) -> None:
        version = document.content.get("apiVersion")
        if isinstance(version, str) and version != VERSION:
            raise document.wrong(("apiVersion",), f"is '{version}'; right would be {VERSION}")
        envelope = document.fitted(_Envelope, document.content, ())
        if envelope.kind not in KINDS:
            raise document.wrong(("kind",), f"is '{envelope.kind}', which {VERSION} does not know ({', '.join(KINDS)})")
        placed = Placed(document, (), envelope.metadata, envelope.spec)
        placed.check_notes(envelope.kind)
        there = self._by_kind[envelope.kind]
        if placed.name in there:
            other = there[placed.name].document.number
            raise document.wrong(
                ("metadata", "name"), f"is '{placed.name}', as is the {envelope.kind} of document {other}"
            )
        there[placed.name] = placed
