"""One embedded cluster: its parts, in the order in which they need each other."""

from __future__ import annotations

import asyncio
import base64
import fcntl
import os
import secrets
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType

from muster.base.errors import UsageError
from muster.base.files import write_atomically
from muster.embedded.access.accounts import Accounts
from muster.embedded.access.authorizer import Authorizer
from muster.embedded.access.defaults import create_defaults
from muster.embedded.addresses import API_PORT, Addresses
from muster.embedded.admission.cluster_rules import ClusterRules
from muster.embedded.admission.service_accounts import ServiceAccountAdmission
from muster.embedded.api.call import Backend
from muster.embedded.api.server import ApiServer
from muster.embedded.certificates import Identity, make_identity
from muster.embedded.controllers.manager import ControllerManager
from muster.embedded.gateway import CLASS, NAME
from muster.embedded.gateway.controller import GatewayController
from muster.embedded.node.images import Images
from muster.embedded.node.kubelet import Kubelet
from muster.embedded.proxy.feed import ServiceProxy
from muster.embedded.resources import GATEWAYCLASSES, NAMESPACES, SERVICES
from muster.embedded.store import Event, Store, Subscriber

NAMESPACES_AT_START = ("default", "kube-node-lease", "kube-public", "kube-system")
CONTEXT = "embedded"


class Cluster:
    """A cluster with its state below `directory`; an asynchronous context manager.

    Entering it raises `UsageError` where the directory, an address or a program is not to be had.
    """

    def __init__(self, directory: Path, images: Images, run_id: str, audit: Path | None = None) -> None:
        """`audit` is the file that each request is noted in (`muster.embedded.api.audit`)."""
        self.directory = directory
        self.kubeconfig = directory / "kubeconfig"
        self.url = ""
        self._images = images
        self._run_id = run_id
        self._audit = audit
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Cluster:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        self._stack.callback(os.close, _claim_directory(self.directory))
        addresses = self._stack.enter_context(Addresses.claim())
        self.url = f"https://{addresses.api_server}:{API_PORT}"
        identity = make_identity(self.directory, addresses.api_server)
        rules = ClusterRules(addresses)
        store = Store(rules)
        rules.pods = ServiceAccountAdmission(store)
        accounts, authorizer = Accounts(store), Authorizer(store)
        store.subscribe(SERVICES, _giving_back(addresses))
        for name in NAMESPACES_AT_START:
            store.create(NAMESPACES, {"metadata": {"name": name}})
        create_defaults(store)
        store.create(GATEWAYCLASSES, {"metadata": {"name": CLASS}, "spec": {"controllerName": NAME}})
        await self._start_workers(store, addresses, identity, accounts)
        token = secrets.token_urlsafe(24)
        api = self._api_server(Backend(store, self._node, accounts, authorizer), token)
        try:
            await api.start(addresses.api_server, API_PORT, identity.server_context())
        except OSError as error:
            raise UsageError(f"the API server cannot listen on {self.url}: {error.strerror or error}") from error
        self._stack.push_async_callback(api.stop)
        write_atomically(self.kubeconfig, self._kubeconfig(identity.authority, token), mode=0o600)
        self._stack.callback(self.kubeconfig.unlink, missing_ok=True)

    def _api_server(self, backend: Backend, token: str) -> ApiServer:
        try:
            return ApiServer(backend, token, self._audit)
        except OSError as error:
            raise UsageError(f"the audit log {self._audit} cannot be written: {error.strerror or error}") from error

    async def _start_workers(self, store: Store, addresses: Addresses, identity: Identity, accounts: Accounts) -> None:
        """Node, proxy, controllers. They stop in the opposite order: nobody replaces what the node ends."""
        proxy = ServiceProxy(store, self._run_id)
        self._node = Kubelet(
            store, self._images, self.directory, addresses, self._run_id, network=proxy, accounts=accounts
        )
        self._stack.push_async_callback(self._node.stop)
        self._stack.push_async_callback(proxy.stop)
        await asyncio.gather(self._node.start(), proxy.start())
        controllers = ControllerManager(store, identity.authority.decode(), accounts)
        controllers.start()
        self._stack.push_async_callback(controllers.stop)
        gateways = GatewayController(store, addresses, proxy).reconciler()
        gateways.start()
        self._stack.push_async_callback(gateways.stop)

    def _kubeconfig(self, authority: bytes, token: str) -> str:
        data = base64.b64encode(authority).decode()
        return f"""\
apiVersion: v1
kind: Config
current-context: {CONTEXT}
clusters:
- name: {CONTEXT}
  cluster:
    server: {self.url}
    certificate-authority-data: {data}
contexts:
- name: {CONTEXT}
  context:
    cluster: {CONTEXT}
    user: {CONTEXT}
    namespace: default
users:
- name: {CONTEXT}
  user:
    token: {token}
"""


def _claim_directory(directory: Path) -> int:
    """Lock a directory for this process; the lock ends with the descriptor returned. Raises `UsageError`."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise UsageError(f"state directory {directory} cannot be written: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        raise UsageError(f"state directory {directory} belongs to another embedded cluster that still runs") from None
    with suppress(FileNotFoundError):
        (directory / "kubeconfig").unlink()  # of a cluster that was killed
    return descriptor


def _giving_back(addresses: Addresses) -> Subscriber:
    """Notes which Services are gone, so that their addresses can be used again."""

    def note(event: Event) -> None:
        address = event.shared["spec"].get("clusterIP")
        if event.type == "DELETED" and address not in (None, "", "None"):
            addresses.give_back_service(address)

    return note
