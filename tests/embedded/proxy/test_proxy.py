"""A real proxy process between real clients and real servers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from muster.base.waiting import wait_for
from muster.embedded.addresses import Addresses
from muster.embedded.admission.cluster_rules import ClusterRules
from muster.embedded.proxy.feed import ServiceProxy
from muster.embedded.resources import ENDPOINTSLICES, EVENTS, NAMESPACES, SERVICES
from muster.embedded.store import Store

SERVER = """
import socket, sys
server = socket.create_server((sys.argv[1], 8080), backlog=100)
print("up", flush=True)
while True:
    connection, _ = server.accept()
    with connection:
        while data := connection.recv(65536):
            connection.sendall(sys.argv[1].encode() + b" " + data if sys.argv[2:] != ["silent"] else b"")
"""


@pytest.fixture
def addresses() -> Iterator[Addresses]:
    with Addresses.claim() as claimed:
        yield claimed


class Proxy:
    """The proxy's process, fed by hand."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process

    def serve(self, table: dict[str, list[str]]) -> None:
        self.tell({"table": table})

    def tell(self, message: dict) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message).encode() + b"\n")
        self.process.stdin.flush()


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    command = [sys.executable, "-m", "muster.embedded.proxy"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Proxy(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


@contextmanager
def server(address: str, *options: str) -> Iterator[subprocess.Popen[str]]:
    """An echo server at address:8080 that says its own address first."""
    command = [sys.executable, "-c", SERVER, address, *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "up\n"
        try:
            yield process
        finally:
            process.kill()


def ask(place: tuple[str, int], within: float = 5.0) -> str:
    """What a client sees: the address that answered, or how it failed."""
    try:
        with socket.create_connection(place, timeout=within) as connection:
            connection.sendall(b"hello")
            answer = connection.recv(1000).decode()
            return answer.split()[0] if answer else "empty"
    except ConnectionRefusedError:
        return "refused"
    except ConnectionResetError:
        return "reset"
    except TimeoutError:
        return "silent"


def asked_now_and_then(service: str, times: int) -> Iterator[str]:
    """What clients see who come by chance, not all in the same moment."""
    for _ in range(times):
        yield ask((service, 8080))
        time.sleep(0.01)


def listens(address: str, port: int) -> bool:
    """Whether somebody listens there, without asking him."""
    place = f"{int.from_bytes(socket.inet_aton(address), sys.byteorder):08X}:{port:04X}"
    rows = (line.split() for line in Path("/proc/net/tcp").read_text().splitlines())
    return any(row[1] == place and row[3] == "0A" for row in rows)


def becomes(place: tuple[str, int], answer: str) -> None:
    wait_for(lambda: ask(place) == answer, within=10, reason=f"{place} to answer {answer}", latest=lambda: ask(place))


def test_connections_are_spread_over_the_endpoints(proxy: Proxy, addresses: Addresses) -> None:
    service, one, two = addresses.take_service(), addresses.take_pod(), addresses.take_pod()
    with server(one), server(two):
        proxy.serve({f"{service}:8080": [f"{one}:8080", f"{two}:8080"]})
        wait_for(lambda: ask((service, 8080)) in (one, two), within=10, reason="the Service to answer")
        counts = Counter(ask((service, 8080)) for _ in range(60))
        assert counts.keys() == {one, two}
        assert min(counts.values()) > 5


def test_without_endpoints_the_port_is_refused(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    with server(pod):
        proxy.serve({f"{service}:8080": [f"{pod}:8080"]})
        becomes((service, 8080), pod)
        proxy.serve({f"{service}:8080": []})
        becomes((service, 8080), "refused")
        proxy.serve({f"{service}:8080": [f"{pod}:8080"]})
        becomes((service, 8080), pod)
        proxy.serve({})
        becomes((service, 8080), "refused")


def test_a_connection_stays_when_its_endpoint_leaves(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    with server(pod):
        proxy.serve({f"{service}:8080": [f"{pod}:8080"]})
        becomes((service, 8080), pod)
        with socket.create_connection((service, 8080), timeout=5) as kept:
            kept.sendall(b"a")
            assert kept.recv(100)
            proxy.serve({f"{service}:8080": []})
            becomes((service, 8080), "refused")
            kept.sendall(b"b")
            assert kept.recv(100).endswith(b"b")


def test_an_endpoint_that_refuses_is_never_replaced_by_another(proxy: Proxy, addresses: Addresses) -> None:
    service, up, down = addresses.take_service(), addresses.take_pod(), addresses.take_pod()
    with server(up):
        proxy.serve({f"{service}:8080": [f"{up}:8080", f"{down}:8080"]})
        wait_for(lambda: ask((service, 8080)) == up, within=10, reason="the Service to answer")
        counts = Counter(asked_now_and_then(service, 90))
        assert counts.keys() - {"reset"} == {up, "refused"}
        assert counts["reset"] <= 3, "only what meets the refusal first is accepted and reset"
        assert min(counts[up], counts["refused"]) > 10, "each of the two has its share"
    with server(down):
        wait_for(lambda: ask((service, 8080)) == down, within=10, reason="the other one to serve")


def test_who_is_told_that_a_program_has_ended_resets_nobody(proxy: Proxy, addresses: Addresses) -> None:
    service, pod, other = addresses.take_service(), addresses.take_pod(), addresses.take_pod()
    with server(pod) as process, server(other):
        proxy.serve({f"{service}:8080": [f"{pod}:8080"], f"{service}:8081": [f"{other}:8080"]})
        becomes((service, 8080), pod)
        becomes((service, 8081), other)
        process.kill()
        process.wait()
        proxy.tell({"ended": pod})
        proxy.tell({"ended": other})
        wait_for(lambda: not listens(service, 8080), within=10, reason="the port to be shut")
        assert ask((service, 8080)) == "refused"
        assert ask((service, 8081)) == other, "one that accepts still is left alone"


def test_where_every_endpoint_refuses_so_does_the_service(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    proxy.serve({f"{service}:8080": [f"{pod}:8080"]})
    with server(pod) as process:
        becomes((service, 8080), pod)
        process.kill()
        process.wait()
        assert ask((service, 8080)) in ("reset", "refused")
        becomes((service, 8080), "refused")
    with server(pod):
        becomes((service, 8080), pod)


def test_an_address_that_is_gone_is_silent_until_the_service_knows(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    with server(pod):
        proxy.serve({f"{service}:8080": [f"{pod}:8080"]})
        becomes((service, 8080), pod)
    proxy.tell({"ended": pod})
    proxy.tell({"gone": pod})
    wait_for(lambda: ask((service, 8080), within=0.3) == "silent", within=10, reason="silence")
    assert ask((service, 8080), within=10) == "reset", "given up after a while"
    proxy.serve({f"{service}:8080": []})
    becomes((service, 8080), "refused")


def test_a_killed_endpoint_ends_its_connections(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    with server(pod) as process:
        proxy.serve({f"{service}:8080": [f"{pod}:8080"]})
        becomes((service, 8080), pod)
        with socket.create_connection((service, 8080), timeout=5) as connection:
            connection.sendall(b"a")
            assert connection.recv(100)
            process.kill()
            with suppress(ConnectionResetError):
                assert connection.recv(100) == b""


def test_a_stopped_endpoint_is_silent(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    with server(pod) as process:
        proxy.serve({f"{service}:8080": [f"{pod}:8080"]})
        becomes((service, 8080), pod)
        process.send_signal(signal.SIGSTOP)
        assert ask((service, 8080), within=0.5) == "silent"
        process.send_signal(signal.SIGCONT)
        becomes((service, 8080), pod)


def test_much_data_and_half_closed_connections_pass(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    proxy.serve({f"{service}:8080": [f"{pod}:8080"]})
    data = os.urandom(1 << 22)
    with closing(socket.create_server((pod, 8080))) as listener:
        wait_for(lambda: connects((service, 8080)), within=10, reason="the proxy to listen")
        listener.accept()[0].close()
        with socket.create_connection((service, 8080), timeout=20) as client:
            inside, _ = listener.accept()
            with inside:
                inside.settimeout(20)
                assert exchange(client, inside, data) == data
                assert exchange(inside, client, data) == data


def connects(place: tuple[str, int]) -> bool:
    try:
        socket.create_connection(place, timeout=5).close()
    except OSError:
        return False
    return True


def exchange(sender: socket.socket, receiver: socket.socket, data: bytes) -> bytes:
    """Send all and say so; what arrives at the other end."""

    async def whole() -> bytes:
        def send() -> None:
            sender.sendall(data)
            sender.shutdown(socket.SHUT_WR)

        def receive() -> bytes:
            found = b""
            while piece := receiver.recv(65536):
                found += piece
            return found

        _, found = await asyncio.gather(asyncio.to_thread(send), asyncio.to_thread(receive))
        return found

    return asyncio.run(whole())


def test_an_address_that_is_taken_is_reported_once(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    with closing(socket.create_server((service, 8080))):
        for _ in range(2):
            proxy.serve({f"{service}:8080": [f"{pod}:8080"]})
        assert proxy.process.stdout is not None
        said = json.loads(proxy.process.stdout.readline())
        assert said["failed"] == f"{service}:8080"
        assert "in use" in said["why"]


# The part of the cluster that feeds it


def make_service(store: Store, port: int = 8080) -> str:
    spec = {"ports": [{"name": "http", "port": port}]}
    made = store.create(SERVICES, {"metadata": {"name": "web", "namespace": "n"}, "spec": spec})
    return made["spec"]["clusterIP"]


def make_slice(store: Store, address: str) -> None:
    store.create(
        ENDPOINTSLICES,
        {
            "metadata": {"name": "web-1", "namespace": "n", "labels": {"kubernetes.io/service-name": "web"}},
            "addressType": "IPv4",
            "ports": [{"name": "http", "port": 8080}],
            "endpoints": [{"addresses": [address], "conditions": {"ready": True}}],
        },
    )


def test_the_feeder_follows_the_store_and_restarts_the_process(addresses: Addresses) -> None:
    async def whole() -> None:
        store = Store(ClusterRules(addresses))
        store.create(NAMESPACES, {"metadata": {"name": "n"}})
        proxy = ServiceProxy(store, "proxy-test")
        await proxy.start()
        try:
            service = make_service(store)
            make_slice(store, pod)
            await asyncio.to_thread(becomes, (service, 8080), pod)
            assert proxy.pid is not None
            os.kill(proxy.pid, signal.SIGKILL)
            await asyncio.to_thread(becomes, (service, 8080), "refused")
            await asyncio.to_thread(becomes, (service, 8080), pod)
            process.kill()
            process.wait()
            proxy.ended(pod)
            told = "the end of the program to be passed on"
            await asyncio.to_thread(lambda: wait_for(lambda: not listens(service, 8080), within=10, reason=told))
            proxy.gone(pod)
            silent = lambda: ask((service, 8080), within=0.3) == "silent"  # noqa: E731
            await asyncio.to_thread(lambda: wait_for(silent, within=10, reason="the address's end to be passed on"))
            store.delete(ENDPOINTSLICES, "n", "web-1")
            await asyncio.to_thread(becomes, (service, 8080), "refused")
        finally:
            await proxy.stop()
        assert proxy.pid is None

    pod = addresses.take_pod()
    with server(pod) as process:
        asyncio.run(whole())


def test_an_address_that_cannot_be_had_is_an_event_on_the_service(addresses: Addresses) -> None:
    async def whole() -> None:
        store = Store(ClusterRules(addresses))
        store.create(NAMESPACES, {"metadata": {"name": "n"}})
        service = make_service(store)
        told: asyncio.Future[dict] = asyncio.get_running_loop().create_future()
        store.subscribe(EVENTS, lambda event: told.set_result(event.shared))
        with closing(socket.create_server((service, 8080))):
            proxy = ServiceProxy(store, "proxy-test")
            await proxy.start()
            make_slice(store, addresses.take_pod())
            try:
                event = await asyncio.wait_for(told, 20)
            finally:
                await proxy.stop()
        assert event["reason"] == "FailedToListen"
        assert f"{service}:8080" in event["message"]

    asyncio.run(whole())
