"""Reading an answer off the wire."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.probes.http import reply
from muster.probes.http.reply import BrokenOffError, NotHttpError, Reply, ReplyReader

LENGTH = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\n\r\n"
UNTIL_END = b"HTTP/1.1 200 OK\r\n\r\nhello"
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Length: 9\r\n\r\n"
NO_BODY = b"HTTP/1.1 204 No Content\r\n\r\n"
SHED = b"HTTP/1.1 503 X\r\nretry-after: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
UPGRADE = b"HTTP/1.1 101 X\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"
HELLO = Reply(200, b"hello", retry_after=False, reusable=True)
LAST = Reply(200, b"hello", retry_after=False, reusable=False)


def read(pieces: list[bytes]) -> Reply | type[Exception]:
    """What a connection makes of these pieces and its end."""
    reader = ReplyReader()
    try:
        for piece in pieces:
            whole = reader.feed(piece)
            if whole is not None:
                return whole
        return reader.end()
    except (NotHttpError, BrokenOffError) as error:
        assert str(error)
        return type(error)


ANSWERS = [
    (LENGTH, HELLO),
    (CHUNKED, HELLO),
    (UNTIL_END, LAST),
    (INTERIM + LENGTH, HELLO),
    (INTERIM + UNTIL_END, LAST),
    (NO_BODY, Reply(204, b"", retry_after=False, reusable=True)),
    (SHED, Reply(503, b"", retry_after=True, reusable=False)),
    (UPGRADE, Reply(101, b"", retry_after=False, reusable=False)),
    (LENGTH.replace(b"1.1", b"1.0"), LAST),
    (LENGTH + LENGTH, HELLO),
    (LENGTH + b"what nobody asked for", HELLO),
    (b"220 mail.example ready\r\n\r\n", NotHttpError),
    (LENGTH.replace(b"5", b"five"), NotHttpError),
    (CHUNKED.replace(b"3;", b"zz;"), NotHttpError),
    (INTERIM, BrokenOffError),
    (b"", BrokenOffError),
]


@pytest.mark.parametrize(("answer", "expected"), ANSWERS)
def test_an_answer_is_understood_in_one_piece_and_byte_by_byte(answer: bytes, expected: Reply | type) -> None:
    assert read([answer]) == expected
    assert read([answer[at : at + 1] for at in range(len(answer))]) == expected


@given(st.sampled_from(ANSWERS), st.lists(st.integers(0, 200)))
def test_how_an_answer_is_cut_into_pieces_makes_no_difference(
    answer: tuple[bytes, Reply | type], cuts: list[int]
) -> None:
    data, expected = answer
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    assert read([data[a:b] for a, b in pairwise(places)]) == expected


@pytest.mark.parametrize("answer", [LENGTH, CHUNKED, INTERIM + LENGTH, SHED])
@given(share=st.floats(0, 1, exclude_max=True))
def test_an_answer_that_lacks_anything_is_broken_off(answer: bytes, share: float) -> None:
    assert read([answer[: int(share * len(answer))]]) is BrokenOffError


@given(st.lists(st.binary(max_size=60), max_size=5), st.sampled_from([b"", b"HTTP/1.1 ", LENGTH[:-5], CHUNKED[:-5]]))
def test_noise_is_told_and_never_breaks_the_reader(noise: list[bytes], before: bytes) -> None:
    read([before, *noise])


@pytest.mark.parametrize("endless", [b"HTTP/1.1 100 X\r\n\r\n", b"HTTP/1.1 200 X\r\n\r\n" + b"x" * 50])
def test_an_answer_without_end_is_given_up(endless: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reply, "MAX_BYTES", 1000)
    assert read([endless] * 100) is NotHttpError
