"""The wire format: examples of the protobuf documentation, and what breaks off."""

from __future__ import annotations

import pytest

from muster.embedded.schema import wire


def test_numbers_and_runs_are_written_as_documented() -> None:
    assert wire.number(1, 150) == bytes.fromhex("089601")
    assert wire.run(2, b"testing") == bytes.fromhex("120774657374696e67")
    assert wire.number(1, -2) == bytes.fromhex("08feffffffffffffffff01")
    assert wire.double(3, 1.0) == bytes.fromhex("19000000000000f03f")


def test_what_is_written_is_read() -> None:
    data = wire.number(1, 150) + wire.run(2, b"testing") + wire.double(3, 1.0) + wire.number(4, -2)
    assert list(wire.fields(data)) == [
        (1, 150),
        (2, b"testing"),
        (3, bytes.fromhex("000000000000f03f")),
        (4, 2**64 - 2),
    ]
    assert [wire.signed(2**64 - 2), wire.signed(2**32 - 1, 32), wire.signed(5, 32)] == [-2, -1, 5]
    assert list(wire.numbers(bytes.fromhex("038e029ea705"))) == [3, 270, 86942]


@pytest.mark.parametrize(
    "data",
    [
        wire.run(1, b"testing")[:-1],
        wire.double(1, 1.0)[:-1],
        b"\x08",
        b"\x08\x80",
        b"\x0b",
        b"\x0f",
        b"\x08" + b"\xff" * 11,
    ],
)
def test_what_breaks_off_or_is_unknown_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"EOF|wireType|overflow"):
        list(wire.fields(data))
