"""Whether what a Locust file declares can be run as an open loop, and what to write instead where it cannot.

What would be silently ignored is refused: whoever wrote it believes in a load that there would not be.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Iterator
from typing import Any

from locust import User
from locust.env import Environment
from locust.runners import LocalRunner, Runner
from locust.user.task import filter_tasks_by_tags

from muster.base.errors import UsageError

_ONE_TASK = "right would be one method below @task that sends its requests one after the other"
_PLAIN = "right would be a plain 'def', as Locust itself runs beside others whatever waits"


def check_weights(base: type[User]) -> None:
    """Look at the weights of all kinds of users before Locust drops those that are not above 0.

    Raises:
        UsageError: one is no weight.
    """
    for kind in base.__subclasses__():
        check_weights(kind)
        if not _is_number(kind.weight) or kind.weight < 0:
            raise UsageError(f"the weight of {kind.__name__} is {kind.weight!r}; right would be a number, 0 or more")
        for task in vars(kind).values():
            weight = getattr(task, "locust_task_weight", 1)
            if not isinstance(weight, int) or weight < 0:
                raise UsageError(
                    f"the weight of task {_name(task)} of {kind.__name__} is {weight!r}; "
                    "right would be a whole number, 0 or more"
                )


def check_file(environment: Environment, runner: Runner | None, base: type[User]) -> None:
    """Look at what a file declares as a whole, and what Locust was told besides.

    Raises:
        UsageError: it cannot be run as it is; the message says what would be right.
    """
    if type(runner) is not LocalRunner:
        raise UsageError(
            "a load is one process, as one schedule gives all turns; right would be to leave out --processes, --master "
            "and --worker (LOCUST_PROCESSES, LOCUST_MODE_MASTER, LOCUST_MODE_WORKER)"
        )
    options = environment.parsed_options
    if getattr(options, "dial", "") and getattr(options, "run_time", None):
        raise UsageError(
            "a drill's load runs until the drill ends it; right would be no run-time (LOCUST_RUN_TIME, locust.conf)"
        )
    if environment.shape_class:
        raise UsageError(
            f"{type(environment.shape_class).__name__} is a LoadTestShape, which says how many users there are, and an "
            "open loop goes by requests per second; right would be load(stages=[...]) in the drill (muster.load.stages)"
        )
    kinds = environment.user_classes
    if others := [kind.__name__ for kind in kinds if not issubclass(kind, base)]:
        raise UsageError(f"users must be muster.load.openloop.OpenLoopUser, and {', '.join(sorted(others))} is not")
    heed_tags(environment)
    for kind in kinds:
        _check_kind(kind, base)
        for task in kind.tasks:
            _check_task(kind, task)


def heed_tags(environment: Environment) -> None:
    """Leave out the tasks that --tags and --exclude-tags do, as Locust does of the users that it starts itself."""
    options = environment.parsed_options
    wanted, unwanted = (set(getattr(options, name, None) or ()) for name in ("tags", "exclude_tags"))
    for kind in environment.user_classes if wanted or unwanted else ():
        filter_tasks_by_tags(kind, wanted or None, unwanted or None)


def _check_kind(kind: type[Any], base: type[User]) -> None:
    name = kind.__name__
    beside = [each.__name__ for each in _users_of(kind) if not issubclass(each, base)]
    if beside:
        raise UsageError(
            f"{name} is a {beside[0]} as well, and nobody would record what its client asks; "
            "right would be OpenLoopUser alone, with self.rest(...)"
        )
    if not kind.tasks:
        raise UsageError(f"{name} has no task; right would be a method below @task, or no such class")
    if kind.fixed_count:
        raise UsageError(
            f"{name} has a fixed_count, and an open loop goes by requests per second; right would be weight"
        )
    ignored = [each for each in ("wait_time", "wait_function", "min_wait", "max_wait") if _differs(kind, each)]
    if ignored:
        raise UsageError(
            f"{name} has a {ignored[0]}, and an open loop starts each task by the clock; right would be to leave it out"
        )
    for attribute, least in (("rate", 0.0), ("limit_s", 0.0), ("renew_after", 0.0)):
        value = getattr(kind, attribute)
        if not _is_number(value) or value <= least:
            raise UsageError(f"{attribute} of {name} is {value!r}; right would be a number above {least:g}")


def _users_of(kind: type[Any]) -> Iterable[type[Any]]:
    return (each for each in kind.__mro__ if issubclass(each, User) and each is not User)


def _differs(kind: type[Any], attribute: str) -> bool:
    return getattr(kind, attribute, None) is not getattr(User, attribute, None)


def _check_task(kind: type[Any], task: Any) -> None:
    what = f"task {_name(task)} of {kind.__name__}"
    if inspect.isclass(task):
        raise UsageError(f"{what} is a {_set_of(task)}, and an open loop starts each task by the clock; {_ONE_TASK}")
    if not callable(task):
        raise UsageError(f"{what} cannot be called; {_ONE_TASK}")
    plain = inspect.unwrap(task)
    if inspect.iscoroutinefunction(plain) or inspect.isasyncgenfunction(plain):
        raise UsageError(f"{what} is 'async'; {_PLAIN}")
    if inspect.isgeneratorfunction(plain):
        raise UsageError(f"{what} has a 'yield', so that calling it does nothing; {_PLAIN}")


def _set_of(task: type[Any]) -> str:
    """What Locust calls a class that stands where a task does: SequentialTaskSet, say."""
    return next((each.__name__ for each in _library(task)), "class")


def _library(task: type[Any]) -> Iterator[type[Any]]:
    return (each for each in task.__mro__ if each.__module__.startswith("locust."))


def _name(task: object) -> str:
    return str(getattr(task, "__name__", None) or repr(task))


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
