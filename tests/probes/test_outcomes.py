"""What may become of a request."""

from __future__ import annotations

import errno
import socket
import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muster.probes.http.outcomes import Outcome, OwnLimitError, of_os_error, of_status


@pytest.mark.parametrize(
    ("status", "retry_after", "outcome"),
    [
        (200, False, Outcome.OK),
        (204, False, Outcome.WRONG),
        (302, False, Outcome.WRONG),
        (404, False, Outcome.WRONG),
        (429, True, Outcome.WRONG),
        (500, True, Outcome.ERROR),
        (503, False, Outcome.ERROR),
        (503, True, Outcome.SHED),
    ],
)
def test_a_status_tells_its_outcome(status: int, retry_after: bool, outcome: Outcome) -> None:
    assert of_status(status, [200, 201], retry_after=retry_after) is outcome


def test_a_status_that_is_expected_is_right_whatever_it_is() -> None:
    assert of_status(503, [503], retry_after=True) is Outcome.OK


@given(st.integers(100, 599), st.booleans())
def test_no_status_that_was_not_expected_is_ok(status: int, retry_after: bool) -> None:
    assert of_status(status, [], retry_after=retry_after) is not Outcome.OK


@pytest.mark.parametrize(
    ("number", "outcome"),
    [
        (errno.ECONNREFUSED, Outcome.REFUSED),
        (errno.ECONNRESET, Outcome.RESET),
        (errno.EPIPE, Outcome.RESET),
        (errno.ETIMEDOUT, Outcome.TIMEOUT),
        (errno.EHOSTUNREACH, Outcome.UNREACHABLE),
        (errno.ENETUNREACH, Outcome.UNREACHABLE),
    ],
)
def test_the_system_error_is_found_behind_what_a_library_raised(number: int, outcome: Outcome) -> None:
    library = RuntimeError("what the library says")
    library.__cause__ = ExceptionGroup("several addresses were tried", [OSError(number, "what asyncio says")])
    found = of_os_error(library)
    assert found is not None
    assert found[0] is outcome
    assert "asyncio" not in found[1], "the words must be the system's"


def test_a_name_that_does_not_resolve_is_unreachable() -> None:
    assert of_os_error(socket.gaierror(socket.EAI_NONAME, "no such name")) == (Outcome.UNREACHABLE, "no such name")


def test_an_error_without_a_system_error_tells_nothing() -> None:
    assert of_os_error(ValueError("x")) is None


@pytest.mark.parametrize("number", [errno.EMFILE, errno.EADDRNOTAVAIL])
def test_running_out_of_descriptors_here_is_no_finding_about_the_service(number: int) -> None:
    with pytest.raises(OwnLimitError, match="from here"):
        of_os_error(OSError(number, ""))


def test_a_certificate_that_is_not_trusted_is_told_in_its_own_words() -> None:
    error = ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")
    assert of_os_error(error) == (Outcome.UNREACHABLE, "certificate verify failed: self-signed certificate")
