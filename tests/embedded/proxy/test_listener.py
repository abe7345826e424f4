"""A place that can be shut, so that the kernel refuses, without a reset for those who came in time."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
import uvloop

from muster.embedded.addresses import Addresses
from muster.embedded.proxy.listener import Listener


@pytest.fixture
def place() -> Iterator[tuple[str, int]]:
    with Addresses.claim() as addresses:
        yield addresses.take_service(), 8080


@contextmanager
def listening(place: tuple[str, int]) -> Iterator[tuple[Listener, list[socket.socket]]]:
    """A listener that is open, and what it has accepted."""
    with ExitStack() as stack:
        accepted: list[socket.socket] = []
        listener = Listener(*place, lambda found: accepted.append(stack.enter_context(found)))
        listener.open()
        stack.callback(listener.shut)
        yield listener, accepted


async def until(look: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not look():  # noqa: ASYNC110 - what is waited for is the kernel's
            await asyncio.sleep(0.01)


def test_it_accepts_while_it_is_open_and_refuses_while_it_is_shut(place: tuple[str, int]) -> None:
    async def test() -> None:
        with listening(place) as (listener, accepted):
            listener.open()  # again: nothing
            with socket.create_connection(place):
                await until(lambda: accepted)
            listener.shut()
            listener.shut()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection(place)
            listener.open()
            with socket.create_connection(place):
                await until(lambda: len(accepted) == 2)

    uvloop.run(test())


def test_who_came_before_it_was_shut_is_accepted(place: tuple[str, int]) -> None:
    async def test() -> None:
        with listening(place) as (listener, accepted):
            clients = [socket.create_connection(place) for _ in range(300)]
            listener.shut()
            assert len(accepted) == 300
            for client in clients:
                client.sendall(b"x")
                client.close()

    uvloop.run(test())


def test_without_descriptors_connections_wait(place: tuple[str, int]) -> None:
    async def test() -> None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with socket.socket() as client, listening(place) as (_, accepted):
            resource.setrlimit(resource.RLIMIT_NOFILE, (_lowest_free(), hard))
            try:
                client.connect(place)
                await asyncio.sleep(0.05)
                assert not accepted
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            await until(lambda: accepted)

    uvloop.run(test())


def _lowest_free() -> int:
    descriptor = os.dup(0)
    os.close(descriptor)
    return descriptor
