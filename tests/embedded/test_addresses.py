"""Blocks of addresses and the addresses in them."""

from __future__ import annotations

import subprocess
import sys

import pytest

from muster.base.errors import UsageError
from muster.embedded import addresses as module
from muster.embedded.addresses import Addresses


def test_two_clusters_have_different_blocks() -> None:
    with Addresses.claim() as first, Addresses.claim() as second:
        assert first.block != second.block


def test_the_block_of_a_killed_process_is_free_again() -> None:
    code = (
        "import os, sys; from muster.embedded.addresses import Addresses; a = Addresses.claim(); "
        "print(a.block, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        number = int(process.stdout.readline().split(".")[1])
        claim = module.socket.socket(module.socket.AF_UNIX)
        with claim, pytest.raises(OSError, match="in use"):
            claim.bind(f"\0muster-block-{number}")
        process.kill()
    with module.socket.socket(module.socket.AF_UNIX) as claim:
        claim.bind(f"\0muster-block-{number}")


def test_no_free_block_is_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    with Addresses.claim() as taken:
        number = int(taken.block.split(".")[1])
        monkeypatch.setattr(module, "FIRST_BLOCK", number)
        monkeypatch.setattr(module, "LAST_BLOCK", number)
        with pytest.raises(UsageError, match="no address block is free"):
            Addresses.claim()


def test_an_address_given_back_is_not_used_again_soon() -> None:
    with Addresses.claim() as block:
        first = block.take_pod()
        block.give_back_pod(first)
        assert first not in {block.take_pod() for _ in range(200)}


def test_a_service_may_ask_for_an_address_of_the_block_once() -> None:
    with Addresses.claim() as block:
        wanted = f"{block.block}.9.9"
        assert block.reserve_service(wanted)
        assert not block.reserve_service(wanted)
        assert not block.reserve_service("10.0.0.1")
        block.give_back_service(wanted)
        assert block.reserve_service(wanted)
