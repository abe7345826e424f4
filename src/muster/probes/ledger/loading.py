"""Finding the class that system.yaml names as its ledger."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from muster.base.errors import UsageError
from muster.probes.protocol import Ledger
from muster.system.definition import PythonLedgerSpec

MakeLedger = Callable[[str, Mapping[str, Any]], Ledger]
METHODS = ("write", "read", "close")


def find_ledger(spec: PythonLedgerSpec, directory: Path) -> MakeLedger:
    """The class `spec` names, found on `sys.path` or in `directory` (that of system.yaml), which is appended to it.

    Raises:
        UsageError: there is no such module or class, it cannot be imported, or it lacks a method.
    """
    module_name, _, class_name = spec.python.partition(":")
    if str(directory) not in sys.path:
        sys.path.append(str(directory))
        importlib.invalidate_caches()
    module = _module(spec.python, module_name, directory)
    found = getattr(module, class_name, None)
    if not isinstance(found, type):
        classes = sorted(name for name, value in vars(module).items() if isinstance(value, type) and name[0] != "_")
        there = f" (there are: {', '.join(classes)})" if classes else ""
        raise UsageError(f"{_where(spec.python)}: module '{module_name}' has no class '{class_name}'{there}")
    if missing := [name for name in METHODS if not callable(getattr(found, name, None))]:
        raise UsageError(
            f"{_where(spec.python)}: class '{class_name}' of module '{module_name}' has no method '{missing[0]}'; a "
            f"ledger needs {', '.join(METHODS)} (muster.probes.protocol)"
        )
    make: MakeLedger = found
    return make


def _where(python: str) -> str:
    return f"ledger.python '{python}' in system.yaml"


def _module(python: str, name: str, directory: Path) -> Any:
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            raise UsageError(
                f"{_where(python)}: there is no module '{error.name}' in {directory} or installed"
            ) from None
        raise UsageError(f"{_where(python)}: module '{name}' needs '{error.name}', which is not installed") from None
    except Exception as error:  # noqa: BLE001 - a module that is imported may raise whatever it likes
        said = str(error).splitlines()[0] if str(error) else "no message"
        raise UsageError(
            f"{_where(python)}: module '{name}' cannot be imported: {type(error).__name__}: {said}"
        ) from None
