"""Handing in, reading and listing workflows."""

import re
import uuid
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from enhancer.api.replies import RefusedError, reply
from enhancer.live_settings import LiveSettings
from enhancer.phases import PHASES
from enhancer.storage.workflows import STATES, Workflow, WorkflowStore

MAX_BODY = 256 * 1024
MAX_TITLE = 200
MAX_LISTED = 100
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")


class WorkflowHandlers:
    """The endpoints below /workflows."""

    def __init__(self, store: WorkflowStore, settings: LiveSettings) -> None:
        self._store = store
        self._settings = settings

    async def create(self, request: Request) -> Response:
        """201 with what is durable on both databases; 200 if it was stored before, 409 if something else was."""
        asked = _body(await _limited(request))
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
        workflow = request.path_params["id"]
        found = await self._store.read(workflow, limit_s=self._settings.current.request_limit_s)
        if found is None:
            raise RefusedError(404, "not_found", f"there is no workflow {workflow!r}")
        phases = [
            {"phase": PHASES[each.phase], "agent": agent_name(each.agent), "artefact": each.artefact}
            for each in found.phases
        ]
        return reply({**_shown(found), "phases": phases})

    async def list(self, request: Request) -> Response:
        """The newest workflows: ?limit=, ?state=."""
        limit, wanted = request.query_params.get("limit", "20"), request.query_params.get("state")
        if not limit.isdecimal() or not 1 <= int(limit) <= MAX_LISTED:
            raise RefusedError(400, "invalid", f"limit is {limit!r}, must be a whole number from 1 to {MAX_LISTED}")
        if wanted is not None and wanted not in STATES:
            raise RefusedError(400, "invalid", f"state is {wanted!r}, must be one of {', '.join(STATES)}")
        found = await self._store.newest(int(limit), wanted, limit_s=self._settings.current.request_limit_s)
        return reply({"workflows": [_shown(each) for each in found]})


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


async def _limited(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY:
            raise RefusedError(413, "too_large", f"a workflow must not be larger than {MAX_BODY} bytes")
    return bytes(body)


def _body(body: bytes) -> dict[str, Any]:
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedError(400, "invalid", f"the body is not valid JSON: {error}") from error
    if not isinstance(asked, dict):
        raise RefusedError(400, "invalid", "the body must be a JSON object with title and payload")
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
