"""Handing in, reading, listing and resuming workflows."""

import re
import uuid
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from enhancer import metrics
from enhancer.api.replies import RefusedError, body_of, reply
from enhancer.live_settings import LiveSettings
from enhancer.phases import PHASES
from enhancer.storage.repair import Repair
from enhancer.storage.workflows import STATES, Stuck, Workflow, WorkflowStore

MAX_TITLE = 200
MAX_LISTED = 100
_STUCK = "stuck"
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


class WorkflowHandlers:
    """The endpoints below /workflows."""

    def __init__(self, store: WorkflowStore, repair: Repair, settings: LiveSettings) -> None:
        self._store = store
        self._repair = repair
        self._settings = settings

    async def create(self, request: Request) -> Response:
        """201 with what is durable on both databases; 200 if it was stored before, 409 if something else was."""
        asked = _checked(await body_of(request))
        workflow = _id(asked)
        content = orjson.dumps(
            {"title": _title(asked), "payload": asked.get("payload")}, option=orjson.OPT_SORT_KEYS
        ).decode()
        created = await self._store.create(workflow, content, limit_s=self._settings.current.request_limit_s)
        if not created.same:
            raise RefusedError(409, "conflict", f"workflow {workflow!r} exists with other content")
        return reply(_shown(created.workflow), 201 if created.new else 200)

    async def read(self, request: Request) -> Response:
        """One workflow with its phases."""
        found = await self._found(request.path_params["id"])
        phases = [
            {"phase": PHASES[each.phase], "agent": agent_name(each.agent), "artefact": each.artefact}
            for each in found.phases
        ]
        return reply({**_shown(found), "phases": phases})

    async def resume(self, request: Request) -> Response:
        """An operator's call: the next phase is due at once, from the last one recorded. Doing it again is no harm."""
        found = await self._found(request.path_params["id"])
        if found.state != "done":
            await self._repair.resume(found.id, limit_s=self._settings.current.request_limit_s)
            metrics.WORKFLOWS_RESUMED.inc()
        return reply(_shown(found))

    async def _found(self, workflow: str) -> Workflow:
        now = self._settings.current
        found = await self._store.read(workflow, hide_after_s=now.hide_after_s, limit_s=now.request_limit_s)
        if found is None:
            raise RefusedError(404, "not_found", f"there is no workflow {workflow!r}")
        return found

    async def listing(self, request: Request) -> Response:
        """The newest workflows: ?limit=, ?state=. Those of state stuck come oldest first, with who holds them."""
        limit, wanted = request.query_params.get("limit", "20"), request.query_params.get("state")
        if not limit.isdecimal() or not 1 <= int(limit) <= MAX_LISTED:
            raise RefusedError(400, "invalid", f"limit is {limit!r}, must be a whole number from 1 to {MAX_LISTED}")
        if wanted is not None and wanted not in (*STATES, _STUCK):
            raise RefusedError(400, "invalid", f"state is {wanted!r}, must be one of {', '.join((*STATES, _STUCK))}")
        return reply({"workflows": await self._listed(int(limit), wanted)})

    async def _listed(self, limit: int, wanted: str | None) -> list[dict[str, Any]]:
        now = self._settings.current
        scope = {"hide_after_s": now.hide_after_s, "limit_s": now.request_limit_s}
        if wanted == _STUCK:
            return [_shown_stuck(each) for each in await self._store.stuck(limit, now.stuck_after_s, **scope)]
        return [_shown(each) for each in await self._store.newest(limit, wanted, **scope)]


def agent_name(agent: int) -> str:
    """An agent's name: agent-01 to agent-61."""
    return f"agent-{agent:02}"


def _shown(workflow: Workflow) -> dict[str, Any]:
    return {
        "id": workflow.id,
        "state": workflow.state,
        "done": workflow.done,
        "created": workflow.created,
        **orjson.loads(workflow.content),
    }


def _shown_stuck(stuck: Stuck) -> dict[str, Any]:
    return {
        **_shown(stuck.workflow),
        "phase": PHASES[stuck.workflow.done],
        "since": stuck.since,
        "worker": stuck.worker,
    }


def _checked(asked: dict[str, Any]) -> dict[str, Any]:
    unknown = sorted(asked.keys() - {"id", "title", "payload"})
    if unknown:
        raise RefusedError(400, "invalid", f"unknown key {unknown[0]!r}, there are: id, payload, title")
    return asked


def _id(asked: dict[str, Any]) -> str:
    workflow = asked.get("id")
    if workflow is None:
        return uuid.uuid4().hex
    if not isinstance(workflow, str) or not _ID.fullmatch(workflow):
        raise RefusedError(400, "invalid", "id must be 1 to 128 letters, digits and . _ : - and not begin with a sign")
    return workflow


def _title(asked: dict[str, Any]) -> str:
    title = asked.get("title")
    if not isinstance(title, str) or not 1 <= len(title) <= MAX_TITLE:
        raise RefusedError(400, "invalid", f"title must be a text of 1 to {MAX_TITLE} characters")
    return title
