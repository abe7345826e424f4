"""One request, against a real server that misbehaves in every way there is a word for."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import resource
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.probes.service import CUT, CUT_EARLY, EMPTY, GARBAGE, HANG, RESET, Service, silent_port, unused_port

from muster.base.clock import SYSTEM_CLOCK
from muster.base.errors import UsageError
from muster.probes.http.exchange import RENEW_EVERY, Answer, Exchange
from muster.probes.http.outcomes import Outcome, OwnLimitError
from muster.system.definition import Request
from muster.system.headers import HEADERS_VARIABLE, FromEnvironment, to_environment

STATUS = Request(path="/status")
LIMIT_S = 0.3
GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"

pytestmark = pytest.mark.usefixtures("either_loop")


def ask(url: str, *, kept: bool = False, times: int = 1, request: Request = STATUS) -> list[Answer]:
    async def ask_all() -> list[Answer]:
        async with Exchange(url) as exchange:
            return [await exchange.send(request, kept=kept, limit_s=LIMIT_S) for _ in range(times)]

    return asyncio.run(ask_all())


@pytest.mark.parametrize(
    ("behaviour", "outcome"),
    [
        (None, Outcome.OK),
        (HANG, Outcome.TIMEOUT),
        (RESET, Outcome.RESET),
        (EMPTY, Outcome.EMPTY),
        (CUT, Outcome.EMPTY),
        (CUT_EARLY, Outcome.EMPTY),
        (GARBAGE, Outcome.WRONG),
        (500, Outcome.ERROR),
        (503, Outcome.ERROR),
        (404, Outcome.WRONG),
    ],
)
@pytest.mark.parametrize("kept", [True, False])
def test_each_way_to_misbehave_has_its_outcome(behaviour: str | int | None, outcome: Outcome, kept: bool) -> None:
    with Service() as service:
        service.behaviour = behaviour
        [answer] = ask(service.url, kept=kept)
    assert answer.outcome is outcome, answer.why
    assert answer.asked
    assert bool(answer.why) == (outcome is not Outcome.OK), "all but ok say why"
    assert answer.sent <= answer.done


def test_a_request_says_who_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_TOKEN", "secret")
    token = FromEnvironment(env="SHOP_TOKEN", prefix="Bearer ")
    own = STATUS.model_copy(update={"headers": {"authorization": token, "accept": "text/plain"}})
    with Service() as service:
        ask(service.url)
        ask(service.url, kept=True, times=2, request=own)
        # As in an experiment's process, and for what a load or an effect asks.
        monkeypatch.setenv(HEADERS_VARIABLE, to_environment({"Authorization": token}))
        ask(service.url)
        ask(service.url, request=own)
    told = [(heard.get("authorization"), heard["accept"], heard["user-agent"]) for heard in service.heard]
    mine, plain = ("Bearer secret", "text/plain", "muster"), (None, "*/*", "muster")
    assert told == [plain, mine, mine, ("Bearer secret", "*/*", "muster"), mine]


def test_a_clean_refusal_of_excess_load_is_shed() -> None:
    with Service() as service:
        service.behaviour, service.headers = 503, {"Retry-After": "1"}
        [answer] = ask(service.url)
    assert (answer.outcome, answer.status) == (Outcome.SHED, 503)


def test_a_closed_port_is_refused_and_nothing_was_asked() -> None:
    [answer] = ask(f"http://127.0.0.1:{unused_port()}")
    assert (answer.outcome, answer.asked, answer.why) == (Outcome.REFUSED, False, "Connection refused")


def test_a_port_that_takes_no_connection_times_out_and_nothing_was_asked() -> None:
    with silent_port() as url:
        [answer] = ask(url)
    assert (answer.outcome, answer.asked) == (Outcome.TIMEOUT, False)


def test_a_name_that_does_not_exist_is_unreachable() -> None:
    [answer] = ask("http://no-such-service.invalid")
    assert answer.outcome in (Outcome.UNREACHABLE, Outcome.TIMEOUT)  # some resolvers take their time
    assert not answer.asked


def test_the_limit_bounds_the_whole_of_a_slow_answer() -> None:
    with Service() as service:
        service.delay = LIMIT_S * 1.5
        [answer] = ask(service.url)
    assert answer.outcome is Outcome.TIMEOUT
    assert answer.done - answer.sent >= LIMIT_S


def test_a_kept_connection_is_used_again_and_a_new_one_is_not() -> None:
    with Service() as service:
        assert [answer.conn for answer in ask(service.url, kept=True, times=3)] == ["new", "kept", "kept"]
        assert service.connections == 1
        assert [answer.conn for answer in ask(service.url, kept=False, times=3)] == ["new", "new", "new"]
        assert service.connections == 4


def test_a_kept_connection_that_the_server_ended_is_replaced_and_told_to_be_new() -> None:
    async def ask_around_a_restart(service: Service) -> list[Answer]:
        async with Exchange(service.url) as exchange:
            before = await exchange.send(STATUS, kept=True, limit_s=LIMIT_S)
            service.close_port()
            service.open_port()
            return [before, await exchange.send(STATUS, kept=True, limit_s=LIMIT_S)]

    with Service() as service:
        answers = asyncio.run(ask_around_a_restart(service))
    assert [answer.conn for answer in answers] == ["new", "new"]
    assert [answer.outcome for answer in answers] == [Outcome.OK, Outcome.OK]


def test_a_request_is_never_repeated_behind_our_back() -> None:
    with Service() as service:
        service.behaviour = RESET
        ask(service.url, kept=True, request=Request(method="POST", path="/items", body={"id": "1"}))
        assert service.requests == [("POST", "/items")]


@contextlib.asynccontextmanager
async def script(answer: bytes | Callable[[bytes], bytes], tls: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The URL of a server that says the same to whatever it is asked, and closes nothing unless asked to."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                writer.write(answer(head) if callable(answer) else answer)
                await writer.drain()
                if b"Connection: close" in head:
                    break
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    try:
        yield f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    finally:
        server.close()


def ask_script(answer: bytes | Callable[[bytes], bytes], *, kept: bool = True, times: int = 1) -> list[Answer]:
    async def run() -> list[Answer]:
        async with script(answer) as url, Exchange(url) as exchange:
            return [await exchange.send(STATUS, kept=kept, limit_s=LIMIT_S) for _ in range(times)]

    return asyncio.run(run())


def test_a_kept_connection_is_renewed_so_that_no_pod_is_pinned() -> None:
    with Service() as service:
        answers = ask(service.url, kept=True, times=2 * RENEW_EVERY + 1)
        assert service.connections == 3
    assert [at for at, answer in enumerate(answers) if answer.conn == "new"] == [0, RENEW_EVERY, 2 * RENEW_EVERY]
    assert {answer.outcome for answer in answers} == {Outcome.OK}


@pytest.mark.parametrize("surplus", [GOOD.replace(b"200", b"500"), b"HTT", b"220 mail.example ready"])
def test_a_connection_on_which_more_came_than_was_asked_for_is_not_used_again(surplus: bytes) -> None:
    answers = ask_script(GOOD + surplus, times=3)
    assert [(answer.outcome, answer.conn) for answer in answers] == [(Outcome.OK, "new")] * 3


def test_an_answer_without_a_length_lasts_until_its_end() -> None:
    [answer] = ask_script(b"HTTP/1.1 200 OK\r\n\r\nall of it", kept=False)
    assert (answer.outcome, answer.body) == (Outcome.OK, b"all of it")


def test_an_answer_that_came_while_this_process_was_held_up_is_told_with_its_times() -> None:
    async def run() -> Answer:
        async with Exchange(service.url) as exchange:
            sending = asyncio.create_task(exchange.send(STATUS, kept=False, limit_s=LIMIT_S))
            await asyncio.sleep(LIMIT_S / 5)  # it is sent
            SYSTEM_CLOCK.sleep(LIMIT_S * 2)  # this holds up the whole loop
            return await sending

    with Service() as service:
        service.delay = LIMIT_S / 2
        answer = asyncio.run(run())
    assert (answer.outcome, answer.status) == (Outcome.OK, 200)
    assert answer.done - answer.sent > LIMIT_S


def test_a_limit_that_a_late_answer_just_met_does_not_strike_the_next_request() -> None:
    async def run() -> list[Answer]:
        async with script(GOOD) as url, Exchange(url) as exchange:
            await exchange.send(STATUS, kept=True, limit_s=LIMIT_S)
            # A limit of nothing: each answer comes at about the moment at which it is given up.
            limits = [0.0, LIMIT_S] * 20
            answers = [await exchange.send(STATUS, kept=True, limit_s=limit_s) for limit_s in limits]
            return answers[1::2]

    assert {answer.outcome for answer in asyncio.run(run())} == {Outcome.OK}


def test_without_a_descriptor_to_spare_nothing_is_said_of_the_service(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        async with script(GOOD) as url, Exchange(url) as exchange:
            await exchange.send(STATUS, kept=False, limit_s=LIMIT_S)
            resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
            try:
                await exchange.send(STATUS, kept=False, limit_s=LIMIT_S)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    with pytest.raises(OwnLimitError, match="from here"):
        asyncio.run(run())


def test_a_request_that_is_called_off_takes_its_connection_along() -> None:
    async def run() -> Answer:
        async with Exchange(service.url) as exchange:
            await exchange.send(STATUS, kept=True, limit_s=LIMIT_S)
            service.stall()
            sending = asyncio.create_task(exchange.send(STATUS, kept=True, limit_s=LIMIT_S))
            await asyncio.sleep(LIMIT_S / 5)
            sending.cancel()
            await asyncio.wait([sending])
            assert sending.cancelled()
            service.resume()
            return await exchange.send(STATUS, kept=True, limit_s=LIMIT_S)

    with Service() as service:
        answer = asyncio.run(run())
    assert (answer.outcome, answer.conn) == (Outcome.OK, "new")


def test_what_is_no_ascii_is_quoted_and_a_prefix_stands_before_the_path() -> None:
    heads: list[bytes] = []

    async def run() -> None:
        async with script(lambda head: (heads.append(head), GOOD)[1]) as url, Exchange(f"{url}/base/") as exchange:
            await exchange.send(Request(path="/ü b?a=%20&b={1}"), kept=True, limit_s=LIMIT_S)

    asyncio.run(run())
    assert heads[0].startswith(b"GET /base/%C3%BC%20b?a=%20&b=%7B1%7D HTTP/1.1\r\nHost: 127.0.0.1:")


def test_a_name_with_several_addresses_is_reached_over_the_one_that_serves() -> None:
    with Service() as service:  # on 127.0.0.1 only, while the name may mean ::1 first
        [answer] = ask(f"http://localhost:{service.port}")
    assert answer.outcome is Outcome.OK, answer.why


@pytest.mark.parametrize("url", ["ftp://host", "http://", "host:80", "http://host:port", "http://a..b"])
def test_what_is_no_url_of_a_service_is_said(url: str) -> None:
    with pytest.raises(UsageError, match="is not the URL of a service"):
        Exchange(url)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1, signed by itself, and its key, in one file."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(start).not_valid_after(start + dt.timedelta(days=9))
    made = builder.add_extension(names, critical=True).sign(key, hashes.SHA256())
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


@pytest.mark.parametrize("trusted", [True, False])
def test_https_is_spoken_with_those_who_are_trusted(
    certificate: Path, trusted: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))

    async def run() -> list[Answer]:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)
        async with script(GOOD, tls) as url, Exchange(url) as exchange:
            return [await exchange.send(STATUS, kept=True, limit_s=5) for _ in range(3)]

    answers = asyncio.run(run())
    if trusted:
        assert [(answer.outcome, answer.conn) for answer in answers] == [
            (Outcome.OK, "new"),
            (Outcome.OK, "kept"),
            (Outcome.OK, "kept"),
        ]
    else:
        assert {(answer.outcome, answer.asked) for answer in answers} == {(Outcome.UNREACHABLE, False)}
        assert "certificate" in answers[0].why
