"""`python -m rbac [DRILL | releases ...]`: hold the drills and make releases, all by default, and write the Roles that
they turn out to need.

Takes about a minute and a half a drill, and three minutes for releases. Exit status 1 where a drill did not go its
whole way, from the fault to its undoing, or a release did not end as it was to: what it would have asked is not known,
and its Roles stay as they are.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Sequence

from muster.base.errors import MusterError
from muster.history.plan import Planned, read_whole_plan
from muster.kube import Call
from muster.system import SystemDefinition
from rbac import declared, releases
from rbac.files import (
    DRILLS,
    PROCEDURES,
    RELEASER,
    RELEASES,
    derived,
    drill_role,
    procedure_role,
    read_roles,
    write_roles,
)
from rbac.roles import RESERVED, Role, by_drills, by_procedures, by_releases, rights_in, role, used
from rbac.stage import ROOT, staged

RELEASING = "releases"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m rbac", description="Write the Roles of ci/rbac.")
    parser.add_argument("drills", nargs="*", metavar="DRILL", help="drills to hold, or 'releases' (default: all)")
    try:
        return _record(parser.parse_args().drills)
    except MusterError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1


def _record(wanted: Sequence[str]) -> int:
    planned = read_whole_plan(ROOT).drills
    if strange := sorted(set(wanted) - planned.keys() - {RELEASING}):
        print(f"Error: there is no drill {strange[0]} (there are: {', '.join(planned)})", file=sys.stderr)
        return 1
    failed, of_procedures = 0, dict[str, list[Call]]()
    for name in [one for one in wanted or planned if one != RELEASING]:
        drill = planned[name]
        with staged() as stage:
            held = stage.hold(drill)
            if not held.complete:
                print(
                    f"{name}: it did not go its whole way, so nothing is learnt of it\n{held.output}", file=sys.stderr
                )
                failed += 1
                continue
            write_roles(DRILLS, [of_drill(drill, held.calls, stage.system)])
            if drill.recovery:
                calls = of_procedures.setdefault(drill.recovery, [])  # several drills may call for the same one
                calls += by_procedures(held.calls)
                write_roles(PROCEDURES, [of_procedure(drill.recovery, calls, stage.system)])
            print(f"{name}: {len(held.calls)} calls", flush=True)
    for path, one in derived().items():
        write_roles(path, [one])
    if RELEASING in wanted or not wanted:
        failed += _record_releases()
    return 1 if failed else 0


def _record_releases() -> int:
    """Make releases and write their Roles; how many ways of sharing traffic there is nothing learnt of."""
    failed = 0
    with releases.releasing() as releaser:
        for way in releases.WAYS:
            made = releaser.make(way)
            if not made.complete:
                print(f"releases by {way}: not all ended as they were to\n{made.output}", file=sys.stderr)
                failed += 1
                continue
            found = used(made.calls, releaser.namespace)
            of_way = releases.of_way(way, made.calls, releaser.namespace)
            write_roles(RELEASES, [of_way, releases.of_database(found), releases.of_backup()])
            print(f"releases by {way}: {len(made.calls)} calls", flush=True)
    return failed


def of_drill(drill: Planned, calls: Iterable[Call], system: SystemDefinition) -> Role:
    """The Role of a drill that made these calls, or whose release did beyond the Role of a releaser."""
    made = list(calls)
    rights = used(by_drills(made), system.namespace) | RESERVED.keys()
    beyond = used(by_releases(made), system.namespace) | declared.of_release(drill, system)
    why = "its recovery procedure has a Role of its own"
    why += ", and so has its release" if beyond else ""
    rights |= beyond - rights_in(read_roles(RELEASES)[RELEASER])
    return role(drill_role(drill.name), rights, f"holding drill {drill.name}; {why}")


def of_procedure(name: str, calls: Iterable[Call], system: SystemDefinition) -> Role:
    """The Role of a recovery procedure that made these calls: with what it may need where it finds something else."""
    rights = used(calls, system.namespace) | declared.of_procedure(name, system) | RESERVED.keys()
    return role(procedure_role(name), rights, f"running recovery procedure {name}")


if __name__ == "__main__":
    sys.exit(main())
