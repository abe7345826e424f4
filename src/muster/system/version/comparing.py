"""Whether evidence of one version is evidence of another."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from muster.system.version.model import ContainerImage, SystemVersion, shortened


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is different, and what cannot be told, a phrase each."""

    differs: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def same(self) -> bool | None:
        """True only where everything was compared; None where nothing differs as far as can be told."""
        return False if self.differs else None if self.unknown else True


def compare(evidence: SystemVersion | None, wanted: SystemVersion) -> Comparison:
    """How the version that evidence is of (None: nobody kept it) differs from the one that it is wanted of."""
    if evidence is None:
        return Comparison(unknown=("it is of an unknown version",))
    differs, unknown = list[str](), list[str]()
    if evidence.system != wanted.system:
        differs.append(f"it is of system {evidence.system}, and not of {wanted.system}")
    for different, text in _images(evidence, wanted):
        (differs if different else unknown).append(text)
    lacking = list(dict.fromkeys((*evidence.lacking, *wanted.lacking)))
    for name in sorted({*evidence.parts, *wanted.parts}):
        was, now = evidence.parts.get(name), wanted.parts.get(name)
        if was == now:
            continue
        if lacking and None in (was, now):
            unknown.append(f"{name} is known of one of them only")
        else:
            differs.append(f"{name} {'was not there' if was is None else 'is gone' if now is None else 'is another'}")
    return Comparison(tuple(differs), tuple(unknown + lacking))


def _images(evidence: SystemVersion, wanted: SystemVersion) -> Iterator[tuple[bool, str]]:
    """For each container that is not known to run the same: whether it is known to run something else, and a phrase."""
    before, now = ({one.name: one for one in version.images} for version in (evidence, wanted))
    if not before or not now:
        yield False, "no images are known of one of them"
        return
    for name in sorted({*before, *now}):
        was, found = before.get(name), now.get(name)
        if was is None or found is None:
            yield True, f"{name} {'was not there' if was is None else 'is gone'}"
        elif was.digest is not None and was.digest == found.digest:
            continue
        elif was.digest is not None and found.digest is not None:
            yield True, f"{name} ran {_named(was)} and now {_named(found)}"
        elif was.image != found.image:
            yield True, f"{name} ran {was.image} and now {found.image}"
        else:
            yield False, f"{name} is {found.image} in both, and by content not known ({found.why or was.why})"


def _named(image: ContainerImage) -> str:
    name = image.image.partition("@")[0]
    return f"{name} ({shortened(image.digest or '')})"
