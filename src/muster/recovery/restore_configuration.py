"""The configuration is corrupt or wrong: put the last known good one back, and restart what needs it.

What is known good is kept in the cluster (`muster.system.known_good`). Whether pods crash says nothing here: a
configuration that is well-formed but wrong leaves every object healthy, so what counts is the difference.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from types import MappingProxyType
from typing import Any

from muster.base.clock import SYSTEM_CLOCK
from muster.base.differing import in_short
from muster.base.errors import RefusedError, UsageError
from muster.kube import ApiError
from muster.kube.client import JSON_PATCH
from muster.recovery.configuration import Reports, ask_reports, configurations_of
from muster.recovery.confirmation import is_borne_by, not_made_since
from muster.recovery.held_up import held_up
from muster.recovery.needs import RESTART, WORKLOADS
from muster.recovery.workloads import Workload, find_workload
from muster.safety.rights import Right, rights
from muster.steps import Context, Step, StepOutline
from muster.system import SystemDefinition
from muster.system.known_good import Content, KnownGood, changes, known_good, store_name
from muster.system.operations import Configuration
from muster.system.pods import STUCK, Trouble, is_ready, troubles

# An instance that follows its configuration does so once it sees the change; a kubelet may take 90 s to show it, and
# then a restart is quicker.
FOLLOW_WITHIN_S = 5.0
BETWEEN_LOOKS_S = 0.1
Object = dict[str, Any]


OUTLINE = (
    StepOutline(
        "diagnose", "compares the configuration with the last known good one, and asks who has which", acts=False
    ),
    StepOutline("restore", "puts the known good content back", undo=True),
    StepOutline("re-create pods", "deletes pods that crash, so that they start with it"),
    StepOutline("restart what does not follow", "restarts workloads that still have another version"),
    StepOutline("verify", "all have the known good version, and no pod crashes", acts=False),
)


class RestoreConfiguration:
    """Put back the known good content, re-create what crashes, restart what does not follow."""

    name = "restore-configuration"
    summary = "the configuration is corrupt or wrong: put the last known good one back, restart what needs it"
    parameters: Mapping[str, str] = MappingProxyType(
        {
            "config_map": "one of those that system.yaml names (default: all of them)",
            "version": "which of those kept, 1 being the newest, 2 the one before (default: 1)",
        }
    )

    def needs(self, _context: Context) -> Iterable[Right]:
        return WORKLOADS | RESTART | rights("get create patch", "ConfigMap")

    def outline(self, system: SystemDefinition) -> Sequence[StepOutline]:
        return OUTLINE if system.operations.configuration else ()

    def steps(self, context: Context) -> Iterator[Step]:
        work = _Restoration(context)
        yield Step("diagnose", work.is_ill, work.diagnose, lambda: True, acts=False)
        yield Step(
            "restore",
            work.is_changed,
            work.restore,
            work.is_restored,
            waits_for=work.unrestored,
            would=work.would_restore,
            undo=work.undo_restore,
        )
        yield Step(
            "re-create pods",
            work.must_recreate,
            work.recreate,
            work.are_recreated,
            within_s=60,
            waits_for=work.missing,
            would=lambda: "delete pods that crash",
        )
        yield Step(
            "restart what does not follow",
            work.lags,
            work.restart,
            work.is_restarted,
            within_s=180,
            waits_for=work.missing,
            would=work.would_restart,
        )
        yield Step("verify", work.was_ill, work.conclude, work.is_well, within_s=60, acts=False, waits_for=work.missing)


@dataclass
class _Configured:
    """A configuration, what is known good of it, and what it was found to be."""

    spec: Configuration
    good: KnownGood
    workloads: list[Workload]
    found: Object | None = None
    changed: list[str] = field(default_factory=list)  # a phrase each
    crashing: list[Trouble] = field(default_factory=list)
    reports: Reports = field(default_factory=lambda: Reports(tells=False))
    put_back: bool = False  # by an earlier execution, which was cut

    def __str__(self) -> str:
        return f"ConfigMap {self.spec.config_map}"

    @property
    def is_ill(self) -> bool:
        ill = self.changed or self.crashing or self.reports.errors or self.others(self.reports)
        return bool(ill or self.put_back)

    def is_told_by(self, reports: Reports) -> bool:
        """Whether instances can say that they have the good version."""
        return reports.tells and self.good.reported is not None

    def others(self, reports: Reports) -> list[Any]:
        """Versions that instances report instead of the good one."""
        return [version for version in reports.versions if version != self.good.reported and self.is_told_by(reports)]

    def is_followed(self, reports: Reports) -> bool:
        """Whether all who answered have the good version; where nobody can tell, whether there was nothing to follow.

        Who does not answer may be busy, which a restart would not mend.
        """
        if not self.is_told_by(reports):
            return not (self.changed or self.put_back)
        return bool(reports.versions) and not reports.errors and not self.others(reports)

    def symptoms(self) -> list[str]:
        said = []
        if self.changed:
            said.append(f"{self} is not the known good one of {self.good.kept}: {in_short(self.changed)}")
        said += [str(trouble) for trouble in self.crashing[:1]]
        said += [f"an instance reports: {error}" for error in self.reports.errors[:1]]
        if others := sorted(set(map(str, self.others(self.reports)))):
            said.append(f"instances have version {', '.join(others)} instead of {self.good.reported}")
        return said


class _Restoration:
    """The procedure's work: what is to be restored is known once diagnosed."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.cluster, self.namespace = context.cluster, context.namespace
        chosen = configurations_of(context.system, context.arguments.get("config_map"))
        which = _number(context.arguments.get("version", "1"))
        self._all = [self._configured(spec, which) for spec in chosen]
        self._ill: list[_Configured] = []
        self._doubtful: dict[str, str] = {}  # pods to be made anew: name to uid
        self._restarted: list[Workload] = []

    def _configured(self, spec: Configuration, which: int) -> _Configured:
        kept = known_good(self.cluster, self.namespace, spec.config_map)
        if len(kept) < which:
            number, there = (f" {which}", f" (there are {len(kept)})") if kept else ("", "")
            raise RefusedError(
                f"no known good version{number} of ConfigMap {spec.config_map} is kept in namespace "
                f"'{self.namespace}'{there}, so put it right by hand; once the system is well: muster keep"
            )
        workloads = [find_workload(self.cluster, self.namespace, name) for name in spec.used_by]
        return _Configured(spec, kept[which - 1], workloads)

    # -- diagnose

    def is_ill(self) -> bool:
        """Whether a configuration is not the known good one, pods that use it crash, or instances have another."""
        for one, reports in zip(self._all, self._ask(self._all), strict=True):
            one.found = self.cluster.find("ConfigMap", one.spec.config_map, self.namespace)
            one.changed = ["it is gone"] if one.found is None else changes(one.good.content, Content.of(one.found))
            one.crashing = [trouble for workload in one.workloads for trouble in workload.troubles()]
            one.reports = reports
            one.put_back = one.spec.config_map in self._context.progress.get("before", {})
        self._ill = [one for one in self._all if one.is_ill]
        return bool(self._ill)

    def diagnose(self) -> str:
        """Tell what is wrong.

        Raises:
            RefusedError: nothing is, but what is kept of it.
        """
        for one in self._ill:
            if not (one.changed or one.crashing or one.reports.errors or one.put_back):
                self._refuse_unreachable(one, one.reports)
        said = [symptom for one in self._ill for symptom in one.symptoms()]
        return "; ".join(said) or "the content is right, what remains is gone on with"

    def was_ill(self) -> bool:
        return bool(self._ill)

    # -- restore

    def is_changed(self) -> bool:
        return bool(self._changed())

    def restore(self) -> str:
        """Put back what is known good.

        Raises:
            RefusedError: somebody changes it at this moment.
        """
        before = {one.spec.config_map: one.found for one in self._changed()}
        contents = {name: None if found is None else asdict(Content.of(found)) for name, found in before.items()}
        self._context.progress.keep(before={**contents, **self._context.progress.get("before", {})})
        for one in self._changed():
            self._restore(one)
        return ", ".join(f"{one} is as {one.good.by} kept it at {one.good.kept}" for one in self._changed())

    def would_restore(self) -> str:
        """What `restore` would do."""
        return ", ".join(f"{one} as {one.good.by} kept it at {one.good.kept}" for one in self._changed())

    def undo_restore(self) -> str:
        """Put back what each ConfigMap held before the known good content was put there."""
        said = []
        for name, before in self._context.progress.get("before", {}).items():
            found = self.cluster.find("ConfigMap", name, self.namespace)
            if before is None:
                self.cluster.delete("ConfigMap", name, self.namespace)
                said.append(f"ConfigMap {name} is gone again")
            elif found is not None:
                patch = _patch(found, Content(**before))
                self.cluster.patch("ConfigMap", name, self.namespace, patch, content_type=JSON_PATCH)
                said.append(f"ConfigMap {name} holds again what it held before")
        return ", ".join(said) or "nothing had been put back"

    def _restore(self, one: _Configured) -> None:
        content, name = one.good.content, one.spec.config_map
        try:
            if one.found is None:
                body = {"data": content.data, "binaryData": content.binary, "metadata": {"name": name}}
                self.cluster.create({"apiVersion": "v1", "kind": "ConfigMap", **body}, self.namespace)
            else:
                patch = _patch(one.found, content)
                self.cluster.patch("ConfigMap", name, self.namespace, patch, content_type=JSON_PATCH)
        except ApiError as error:
            if error.code not in {409, 422}:
                raise
            raise RefusedError(
                f"{one} was changed by another since it was looked at, or may not be: {error}"
            ) from error

    def is_restored(self) -> bool:
        return all(self._content(one) == one.good.content for one in self._changed())

    def _changed(self) -> list[_Configured]:
        return [one for one in self._ill if one.changed]

    def _content(self, one: _Configured) -> Content | None:
        found = self.cluster.find("ConfigMap", one.spec.config_map, self.namespace)
        return None if found is None else Content.of(found)

    # -- re-create

    def must_recreate(self) -> bool:
        """Whether pods crash, or are on their way up with what was there before."""
        for one in self._ill:
            pods = [pod for workload in one.workloads for pod in workload.pods()]
            for pod in pods:
                if troubles(pod) or ((one.changed or one.put_back) and not is_ready(pod)):
                    self._doubtful[pod["metadata"]["name"]] = pod["metadata"]["uid"]
        return bool(self._doubtful)

    def recreate(self) -> str:
        for name in self._doubtful:
            self.cluster.delete("Pod", name, self.namespace)
        return f"deleted {', '.join(sorted(self._doubtful))}"

    def are_recreated(self) -> bool:
        """Whether those that took their places are ready.

        Raises:
            RefusedError: they crash as well.
        """
        self._refuse_hopeless()
        present = {pod["metadata"]["uid"] for workload in self._workloads() for pod in workload.pods()}
        return not present & set(self._doubtful.values()) and self._are_rolled_out(self._workloads())

    def _refuse_hopeless(self) -> None:
        """Stop where pods that were made after the restoration are in a crash loop: it is not the configuration."""
        for workload in self._workloads():
            for pod in workload.pods():
                stuck = next((trouble for trouble in troubles(pod) if trouble.reason in STUCK), None)
                if stuck and pod["metadata"]["uid"] not in self._doubtful.values():
                    raise RefusedError(f"{stuck}: with the known good configuration, too (see repair-crashed-pods)")

    # -- restart

    def lags(self) -> bool:
        """Whether instances do not take over what is there now, having had a few seconds for it."""
        deadline = SYSTEM_CLOCK.now() + FOLLOW_WITHIN_S
        while lagging := self._lagging():
            can_follow = any(one.is_told_by(reports) for one, reports in lagging)
            if not can_follow or SYSTEM_CLOCK.now() >= deadline:
                self._restarted = [workload for one, _ in lagging for workload in one.workloads]
                return bool(self._restarted)
            SYSTEM_CLOCK.sleep(BETWEEN_LOOKS_S)
        return False

    def would_restart(self) -> str:
        """What `restart` would do, where it is needed."""
        own = sorted({str(workload) for workload in self._workloads()})
        return f"{', '.join(own)}, should it not follow within {FOLLOW_WITHIN_S:g} s" if own else ""

    def restart(self) -> str:
        for workload in self._restarted:
            workload.restart(self._context.progress)
        return f"restarted {', '.join(map(str, self._restarted))}"

    def is_restarted(self) -> bool:
        self._refuse_hopeless()
        return self._are_rolled_out(self._restarted)

    def _lagging(self) -> list[tuple[_Configured, Reports]]:
        said = zip(self._ill, self._ask(self._ill), strict=True)
        lagging = [(one, reports) for one, reports in said if not one.is_followed(reports)]
        for one, reports in lagging:
            self._refuse_unreachable(one, reports)
        return lagging

    # -- verify

    def conclude(self) -> str:
        versions = [f"version {one.good.reported}" for one in self._ill if one.good.reported is not None]
        return f"no pod crashes, all are ready, instances report {' and '.join(versions) or 'nothing against it'}"

    def is_well(self) -> bool:
        """Whether all is as it was kept.

        Raises:
            RefusedError: it never will be.
        """
        if any(workload.troubles() for workload in self._workloads()) or not self._are_rolled_out(self._workloads()):
            return False
        said = list(zip(self._ill, self._ask(self._ill), strict=True))
        for one, reports in said:
            self._refuse_unreachable(one, reports)
        return all(reports.all_have(one.good.reported) for one, reports in said if one.is_told_by(reports))

    def unrestored(self) -> str:
        """Which ConfigMap does not hold what was put back."""
        changed = [str(one) for one in self._changed() if self._content(one) != one.good.content]
        return f"{', '.join(changed)} does not hold the known good content" if changed else ""

    def missing(self) -> str:
        """What keeps it from being well: a workload, or what instances report."""
        for workload in self._workloads():
            if said := held_up(workload):
                return said
        for one, reports in zip(self._ill, self._ask(self._ill), strict=True):
            if one.is_told_by(reports) and not reports.all_have(one.good.reported):
                others = sorted(set(map(str, one.others(reports))))
                return reports.strange or f"instances report version {', '.join(others)}, not {one.good.reported}"
        return ""

    def _refuse_unreachable(self, one: _Configured, reports: Reports) -> None:
        """Stop where instances run by the known good content and tell something else than was kept with it: no waiting
        and no restart would change that."""
        name = one.spec.config_map
        found = self.cluster.find("ConfigMap", name, self.namespace)
        if found is None or Content.of(found) != one.good.content or not one.is_told_by(reports):
            return
        if not (reports.errors or one.others(reports)):
            return
        pods = [pod for workload in one.workloads for pod in workload.pods()]
        all_new = not not_made_since(found, pods)
        (reports,) = self._ask([one])  # again: who answered before may have been one of the pods that are gone now
        if reports.errors and all_new:
            raise RefusedError(f"an instance reports: {reports.errors[0]}: with the known good {one}, too")
        others = sorted(set(map(str, one.others(reports))))
        agree = len(set(map(str, reports.versions))) == 1 and not reports.failed and not reports.errors
        by_it = all(is_borne_by(version, one.good.content) for version in reports.versions)
        if others and agree and (by_it or all_new):
            raise RefusedError(
                f"{one} is as it was kept, the instances run by it and report version {others[0]}, but what "
                f"{one.good.by} kept at {one.good.kept} says {one.good.reported}, which they will never report: it is "
                f"wrong what is kept; delete ConfigMap {store_name(name)}, then: muster keep"
            )

    def _ask(self, configured: list[_Configured]) -> list[Reports]:
        return ask_reports(self._context.system, self._context.url, [one.spec for one in configured])

    def _workloads(self) -> list[Workload]:
        return [workload for one in self._ill for workload in one.workloads]

    def _are_rolled_out(self, workloads: list[Workload]) -> bool:
        return all(workload.is_rolled_out() for workload in workloads)


def _patch(found: Object, content: Content) -> list[Object]:
    """What makes a ConfigMap hold the content, unless it was changed since it was `found`."""
    patch = [{"op": "test", "path": "/metadata/resourceVersion", "value": found["metadata"]["resourceVersion"]}]
    for key, value in (("data", content.data), ("binaryData", content.binary)):
        if value:
            patch.append({"op": "add", "path": f"/{key}", "value": value})  # which replaces what is there
        elif key in found:
            patch.append({"op": "remove", "path": f"/{key}"})
    return patch


def _number(text: str) -> int:
    if not text.isdecimal() or not int(text):
        raise UsageError(f"version is '{text}'; right would be a number: 1 for the newest kept, 2 for the one before")
    return int(text)
