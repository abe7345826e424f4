"""What is wrong with the API of a version that has a defect on purpose (`enhancer.defect`)."""

import asyncio
import datetime as dt
import os
import random
import resource
import signal
from pathlib import Path

from starlette.types import ASGIApp, Receive, Scope, Send

from enhancer.admission import is_exempt
from enhancer.api.replies import failure
from enhancer.defect import Defect, size_of
from enhancer.storage.pool import Pool
from enhancer.storage.workflows import Created, Workflow, WorkflowStore

MEMORY_LIMIT = 256 * 1024 * 1024  # bytes: the limit of the manifest, for clusters that do not enforce it
_MIB = 1024 * 1024
_ON_REQUESTS = ("errs", "errs_on_one", "slow", "hangs", "leaks")


def defective(app: ASGIApp, defect: Defect | None) -> ASGIApp:
    """The application with what is wrong with its answers, if anything is."""
    return Defective(app, defect) if defect and defect.kind in _ON_REQUESTS else app


def store_of(defect: Defect | None, reading: Pool, writing: Pool) -> WorkflowStore:
    """Where workflows are kept, or most of them."""
    share = size_of(defect, "loses_writes")
    return WorkflowStore(reading, writing) if share is None else ForgetfulStore(reading, writing, share)


class Defective:
    """ASGI middleware. What tells about the service, and operators' calls, are answered as ever."""

    def __init__(self, app: ASGIApp, defect: Defect) -> None:
        self._app = app
        self._defect = defect
        self._leaked: list[bytes] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, if not as it should be."""
        if scope["type"] == "http" and not is_exempt(scope):
            if self._fails(scope):
                await failure(500, "defect", "this version has a defect")(scope, receive, send)
                return
            await self._hinder()
        await self._app(scope, receive, send)

    def _fails(self, scope: Scope) -> bool:
        kind, size = self._defect.kind, self._defect.size
        concerned = kind == "errs" or (
            kind == "errs_on_one" and (scope["method"], scope["path"]) == ("POST", "/workflows")
        )
        return concerned and random.random() < size

    async def _hinder(self) -> None:
        kind, size = self._defect.kind, self._defect.size
        if kind == "slow":
            await asyncio.sleep(size)
        elif kind == "hangs" and random.random() < size:
            await asyncio.Event().wait()
        elif kind == "leaks":
            self._leaked.append(b"x" * int(size * _MIB))
            if _resident() > MEMORY_LIMIT:
                os.kill(os.getpid(), signal.SIGKILL)


def _resident() -> int:
    """Bytes of memory that this process uses."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


class ForgetfulStore(WorkflowStore):
    """Acknowledges some workflows without storing them."""

    def __init__(self, reading: Pool, writing: Pool, share: float) -> None:
        super().__init__(reading, writing)
        self._share = share

    async def create(self, workflow: str, content: str, *, limit_s: float) -> Created:
        """Store a workflow, or say so only."""
        if random.random() < self._share:
            return Created(Workflow(workflow, content, dt.datetime.now(dt.UTC), 0), new=True, same=True)
        return await super().create(workflow, content, limit_s=limit_s)
