"""What a person may say on the command line, and what was said."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import pytest

from muster.base.errors import UsageError
from muster.plugin.guard import reports_of
from muster.plugin.repeat import read_claim, read_repeat

KUBE_CONTEXT_VARIABLE = "MUSTER_KUBE_CONTEXT"
HISTORY_VARIABLE = "MUSTER_HISTORY"
NO_HISTORY = "none"


@dataclass(frozen=True)
class Options:
    """The options of a session. `history` is an address, None to keep none; `required` may be `all`.

    `repeat` is how often each drill is held, `claim` the rate of success to be proved; None where not asked for.
    """

    kube_context: str | None
    system: Path | None
    reports: Path
    seed: int
    history: str | None
    cadences: tuple[str, ...] = ()
    required: tuple[str, ...] = ()
    plan: Path | None = None
    repeat: int | None = None
    claim: float | None = None


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("muster", "emergency drills")
    group.addoption(
        "--kube-context",
        metavar="NAME",
        help="strike the system in this context of your kubeconfig (its namespace must carry the label "
        f"muster.dev/drills=allowed); without it, or {KUBE_CONTEXT_VARIABLE}, drills run on the embedded cluster",
    )
    group.addoption("--system", metavar="PATH", help="the system.yaml of the system under drill (default: systems/*/)")
    group.addoption("--muster-seed", metavar="N", type=int, default=1, help="seed of the load's random choices")
    group.addoption(
        "--history",
        metavar="URL",
        help="where each drill is kept: a file, sqlite:///PATH or postgresql://USER@HOST/DATABASE; "
        f"'{NO_HISTORY}' keeps none (default: {HISTORY_VARIABLE}, or history.sqlite below the reports)",
    )
    group.addoption(
        "--cadence", metavar="NAME[,NAME]", help="hold only drills of this cadence: monthly, quarterly, yearly"
    )
    group.addoption(
        "--require",
        metavar="NAME[,NAME]|all",
        help="drills without which the run proves nothing: one that did not run makes its verdict unknown",
    )
    group.addoption(
        "--repeat",
        metavar="N",
        help="hold each drill N times, each time on a system that is deployed anew (on a real cluster nothing is "
        "reset), and say how much that proves",
    )
    group.addoption(
        "--claim",
        metavar="RATE",
        help="with --repeat: the run is met only if it proves, with 95 %% confidence, that more than this part of the "
        "recoveries succeed; 0.95 takes 59 in a row",
    )
    group.addoption(
        "--plan",
        dest="previewed",
        action="store_true",
        help="print which objects each drill would touch, how each is undone, which rights it needs, what it would "
        "send, and how long it may take; nothing is written. Exit code 1 if a drill would be refused",
    )
    group.addoption(
        "--check",
        dest="checked",
        action="store_true",
        help="look at everything that the drills will need, say how to mend what is wrong, and hold none (muster "
        "check). Exit code 1 if something is wrong, 2 if something cannot be told",
    )
    group.addoption("--json", dest="as_json", action="store_true", help="with --plan or --check: print it as JSON")
    group.addoption("--drill-plan", metavar="FILE", help="write what the drills declare as JSON, and run nothing")


def read_options(config: pytest.Config) -> Options:
    """The session's options, environment included.

    Raises:
        UsageError: one that is none.
    """
    repeat = read_repeat(config.getoption("repeat"))
    previewed, checked = config.getoption("previewed"), config.getoption("checked")
    if config.getoption("as_json") and not (previewed or checked):
        raise UsageError("--json is the form of a plan or a check; right would be --plan --json, or --check --json")
    if previewed and checked:
        raise UsageError("--plan and --check are two questions; right would be one of them")
    system = config.getoption("system")
    plan = config.getoption("drill_plan")
    directory = reports_of(config, config.getoption("reports"))
    history = config.getoption("history") or os.environ.get(HISTORY_VARIABLE) or str(directory / "history.sqlite")
    return Options(
        kube_context=config.getoption("kube_context") or os.environ.get(KUBE_CONTEXT_VARIABLE) or None,
        system=(config.invocation_params.dir / system) if system else None,
        reports=directory,
        seed=config.getoption("muster_seed"),
        history=None if history == NO_HISTORY else history,
        cadences=_listed(config.getoption("cadence")),
        required=_listed(config.getoption("require")),
        plan=(config.invocation_params.dir / plan) if plan else None,
        repeat=repeat,
        claim=read_claim(config.getoption("claim"), repeat),
    )


def announced(options: Options) -> list[str]:
    """What a person should know of the repetitions before they begin, some of them for hours."""
    if options.repeat is None:
        return []
    between = "nothing is reset between repetitions" if options.kube_context else "each on a system deployed anew"
    lines = [f"repeat: each drill {options.repeat} times, {between}"]
    if options.claim is not None:
        from muster.verdict.many.evidence import values_wanted

        wanted = values_wanted(options.claim)
        if options.repeat < wanted:
            lines.append(f"claim: {options.repeat} in a row cannot show more than {options.claim:.4g}: {wanted} can")
    return lines


def _listed(text: str | None) -> tuple[str, ...]:
    return tuple(part.strip() for part in (text or "").split(",") if part.strip())
