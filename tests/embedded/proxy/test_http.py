"""A real proxy process whose ports have routes, between clients that speak HTTP/1.1 and servers that may not."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from typing import Any

import pytest
from web_support import PORT, ask, connect, web

from muster.base.waiting import wait_for
from muster.embedded.addresses import Addresses

END = b"\r\n\r\n"


@pytest.fixture(scope="module")
def addresses() -> Iterator[Addresses]:
    with Addresses.claim() as claimed:
        yield claimed


class Proxy:
    """The proxy's process, fed by hand."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self._version = 0
        self._routes: dict[str, Any] = {}

    def route(self, address: str, *rules: dict[str, Any]) -> None:
        """Give a port its rules, beside those of others; returns when they are in force."""
        self._routes[f"{address}:{PORT}"] = list(rules)
        self._send_routes()

    def unroute(self, address: str) -> None:
        del self._routes[f"{address}:{PORT}"]
        self._send_routes()

    def serve(self, address: str, *endpoints: str) -> None:
        self.tell({"table": {f"{address}:{PORT}": [f"{endpoint}:{PORT}" for endpoint in endpoints]}})

    def _send_routes(self) -> None:
        self._version += 1
        self.tell({"routes": self._routes, "version": self._version})
        assert self._process.stdout is not None
        assert json.loads(self._process.stdout.readline()) == {"routed": self._version}

    def tell(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    command = [sys.executable, "-m", "muster.embedded.proxy"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        yield Proxy(process)
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(10) == 0


def backends(*shares: tuple[int, list[str] | None], **more: Any) -> dict[str, Any]:
    """A rule with these weights and endpoints."""
    listed = [
        {"weight": weight, "endpoints": None if hosts is None else [f"{host}:{PORT}" for host in hosts]}
        for weight, hosts in shares
    ]
    return {"backends": listed, **more}


@contextmanager
def scripted(address: str, *answers: Callable[[socket.socket], None]) -> Iterator[list[bytes]]:
    """A server that does with its first connections what it is told, one after the other; gives what it was sent."""
    heard: list[bytes] = []
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server((address, PORT), backlog=16))

        def serve() -> None:
            for answer in answers:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(10)
                    heard.append(head_of(connection))
                    answer(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        stack.callback(thread.join, 10)
        stack.callback(listening.shutdown, socket.SHUT_RDWR)
        yield heard


def head_of(connection: socket.socket) -> bytes:
    data = b""
    while END not in data:
        piece = connection.recv(65536)
        if not piece:
            break
        data += piece
    return data


def saying(data: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(data)


def raw(address: str, data: bytes) -> bytes:
    """All that a client hears who says this and then waits for the end."""
    with socket.create_connection((address, PORT), timeout=10) as connection:
        connection.sendall(data)
        heard = b""
        while piece := connection.recv(65536):
            heard += piece
    return heard


def test_each_request_of_a_kept_connection_is_routed_by_weight(proxy: Proxy, addresses: Addresses) -> None:
    service, old, new = addresses.take_service(), addresses.take_pod(), addresses.take_pod()
    with web(old) as first, web(new) as second, closing(connect(service)) as kept:
        proxy.route(service, backends((80, [old]), (20, [new])))
        counts = Counter(ask(kept)[1]["who"] for _ in range(600))
        assert counts.total() == 600
        assert 70 < counts[new] < 170, "20 % of 600: more than 5 standard deviations from either bound"
        proxy.route(service, backends((100, [old]), (0, [new])))
        assert {ask(kept)[1]["who"] for _ in range(100)} == {old}
        proxy.route(service, backends((0, [old]), (1, [new])))
        assert {ask(kept)[1]["who"] for _ in range(100)} == {new}
        assert (first.connections, second.connections) == (1, 1), "connections to endpoints are kept"


def test_nothing_fails_while_weights_change_under_load(proxy: Proxy, addresses: Addresses) -> None:
    service, old, new = addresses.take_service(), addresses.take_pod(), addresses.take_pod()
    wrong: list[Any] = []
    asked: Counter[str] = Counter()
    stop = threading.Event()

    def load(number: int) -> None:
        with closing(connect(service)) as kept:
            while not stop.is_set():
                method = ("GET", "POST")[number % 2]
                status, answer = ask(kept, method=method, body=b"x" * 1000 if method == "POST" else None)
                if status != 200 or answer["size"] != (1000 if method == "POST" else 0):
                    wrong.append((status, answer))
                else:
                    asked[answer["who"]] += 1

    with web(old), web(new):
        proxy.route(service, backends((1, [old]), (0, [new])))
        threads = [threading.Thread(target=load, args=(number,)) for number in range(6)]
        for thread in threads:
            thread.start()
        for turn in range(150):
            proxy.route(service, backends((turn % 7, [old]), (1 + turn % 3, [new])))
            time.sleep(0.005)
        stop.set()
        for thread in threads:
            thread.join()
    assert wrong == []
    assert min(asked[old], asked[new]) > 20


def test_connections_that_were_there_before_are_routed_from_their_next_request_on(
    proxy: Proxy, addresses: Addresses
) -> None:
    service, old, new = addresses.take_service(), addresses.take_pod(), addresses.take_pod()
    with web(old), web(new), closing(connect(service)) as kept, closing(connect(service)) as silent:
        proxy.serve(service, old)
        wait_for(lambda: _answers(service), within=10, reason="the Service to answer")
        silent.connect()
        assert ask(kept)[1]["who"] == old
        proxy.route(service, backends((1, [new])))
        assert [ask(kept)[1]["who"], ask(silent)[1]["who"]] == [new, new]
        proxy.unroute(service)
        assert ask(kept)[1]["who"] == old, "to the Service's own endpoints, where there is no route any more"
        proxy.tell({"table": {}})


def _answers(service: str) -> bool:
    try:
        with closing(connect(service)) as connection:
            return ask(connection)[0] == 200
    except OSError:
        return False


def test_shares_that_lead_nowhere_are_answered_for(proxy: Proxy, addresses: Addresses) -> None:
    service, up, down = addresses.take_service(), addresses.take_pod(), addresses.take_pod()
    with web(up), closing(connect(service)) as kept:
        for rule, statuses in (
            (backends((1, [up]), (1, None)), {200, 500}),
            (backends((1, [up]), (1, [])), {200, 503}),
            (backends((1, [up]), (1, [down])), {200, 503}),
            (backends((0, [up]), (0, [up])), {500}),
            (backends(), {500}),
        ):
            proxy.route(service, rule)
            assert {ask(kept)[0] for _ in range(60)} == statuses, rule
        proxy.route(service)
        assert ask(kept)[0] == 404


@pytest.mark.parametrize(
    ("match", "fits", "does_not"),
    [
        ({"path": ["Exact", "/a"]}, ["/a", "/a?x"], ["/a/", "/ab", "/"]),
        ({"path": ["PathPrefix", "/a/"]}, ["/a", "/a/", "/a/b?c"], ["/ab", "/"]),
        ({"path": ["RegularExpression", "/[0-9]+"]}, ["/12"], ["/12a", "/"]),
        ({"query": [["Exact", "v", "2"]]}, ["/?a=1&v=2"], ["/?v=3", "/v=2", "/?v=3&v=2"]),
        ({"headers": [["Exact", "X-Test", "yes"]]}, ["/"], []),
        ({"headers": [["RegularExpression", "x-test", "n.*"]]}, [], ["/"]),
        ({"method": "GET"}, ["/"], []),
        ({"method": "POST"}, [], ["/"]),
        ({"host": "shop.example"}, ["/"], []),
        ({"host": "*.example"}, ["/"], []),
        ({"host": "example"}, [], ["/"]),
    ],
)
def test_rules_are_met_or_not(
    proxy: Proxy, addresses: Addresses, match: dict[str, Any], fits: list[str], does_not: list[str]
) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    headers = {"x-tESt": "yes", "Host": "Shop.Example:8080"}
    with web(pod), closing(connect(service)) as kept:
        proxy.route(service, backends((1, [pod]), match=match))
        found = {path: ask(kept, path, headers=headers)[0] for path in (*fits, *does_not)}
    assert found == {**dict.fromkeys(fits, 200), **dict.fromkeys(does_not, 404)}


def test_heads_pass_a_proxy_as_they_should(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    rule = backends((1, [pod]))
    rule["backends"][0]["request"] = [{"set": [{"name": "X-Set", "value": "new"}], "remove": ["X-Gone"]}]
    rule["backends"][0]["response"] = [{"add": [{"name": "X-Version", "value": "two"}], "remove": ["Server"]}]
    sent = {"Connection": "X-Hop", "X-Hop": "1", "X-Set": "old", "X-Gone": "1", "X-Kept": "1", "X-Forwarded-For": "a"}
    with web(pod), closing(connect(service)) as kept:
        proxy.route(service, rule)
        kept.request("GET", "/", headers=sent)
        answer = kept.getresponse()
        told = json.loads(answer.read())["headers"]
    assert told.keys() & {"connection", "x-hop", "x-gone"} == set()
    assert (told["x-set"], told["x-kept"], told["x-forwarded-for"]) == ("new", "1", "a, 127.0.0.1")
    assert (answer.headers["X-Version"], answer.headers["Server"], answer.headers["X-Who"]) == ("two", None, pod)


def test_a_client_cannot_have_the_frame_of_its_body_left_out(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    with web(pod), closing(connect(service)) as kept:
        proxy.route(service, backends((1, [pod])))
        named = {"Connection": "Content-Length, Host"}
        status, told = ask(kept, "/", "POST", body=b"GET /smuggled HTTP/1.1\r\n\r\n", headers=named)
        assert (status, told["size"], "host" in told["headers"]) == (200, 26, True)
        assert ask(kept)[1]["path"] == "/"


def test_bodies_of_all_forms_come_through_on_one_connection(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    large = b"x" * 3_000_000
    with web(pod), closing(connect(service)) as kept:
        proxy.route(service, backends((1, [pod])))
        for path in ("/", "/chunked"):
            assert ask(kept, path, "POST", body=large)[1]["size"] == len(large)
            assert ask(kept, path, "POST", body=iter([b"abc", b"", large]), encode_chunked=True)[1]["size"] == 3_000_003
            assert ask(kept, path, "PUT", body=b"")[1]["size"] == 0
            assert ask(kept, path)[1]["path"] == path
            if path == "/":
                assert ask(kept, path, "HEAD") == (200, "")


@pytest.mark.parametrize(
    ("status", "headers", "body"),
    [
        (204, b"", b""),
        (304, b"Content-Length: 500\r\n", b""),
        (200, b"", b"until the end"),
        (200, b"Content-Length: 3\r\n", b"abc"),
    ],
)
def test_answers_without_a_body_of_their_own_frame(
    proxy: Proxy, addresses: Addresses, status: int, headers: bytes, body: bytes
) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    reply = b"HTTP/1.1 %d X\r\n%s\r\n%s" % (status, headers, body)
    with scripted(pod, saying(reply), saying(b"HTTP/1.0 200 OK\r\n\r\nsecond")), closing(connect(service)) as kept:
        proxy.route(service, backends((1, [pod])))
        assert ask(kept) == (status, body.decode())
        assert ask(kept) == (200, "second"), "the client's connection is as good as before"


def test_old_clients_are_served(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    with web(pod):
        proxy.route(service, backends((1, [pod])))
        heard = raw(service, b"GET /chunked HTTP/1.0\r\n\r\n")
        head, _, body = heard.partition(END)
        assert b"chunked" not in head.lower()
        assert json.loads(body)["path"] == "/chunked"
        twice = b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET / HTTP/1.0\r\n\r\n"
        assert raw(service, twice).count(b"200 OK") == 2


def test_requests_that_are_sent_together_are_answered_in_order(proxy: Proxy, addresses: Addresses) -> None:
    service, one, two = addresses.take_service(), addresses.take_pod(), addresses.take_pod()
    with web(one), web(two):
        proxy.route(service, backends((1, [one]), (1, [two])))
        asked = b"".join(b"GET /%d HTTP/1.1\r\nHost: a\r\n\r\n" % i for i in range(20))
        heard = raw(service, asked + b"GET /20 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").decode()
    paths = [json.loads(part.partition("\r\n\r\n")[2])["path"] for part in heard.split("HTTP/1.1 200 OK")[1:]]
    assert paths == [f"/{i}" for i in range(21)]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"nonsense" + END, 400),
        (b"GET / HTTP/1.1\r\nX: y" + END, 400),  # no Host
        (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b" + END, 400),
        (b"GET nowhere HTTP/1.1\r\nHost: a" + END, 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nBad Name: 1" + END, 400),
        (b"GET / HTTP/1.1\r\nHost: a\r\nX: 1\r\n folded" + END, 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked" + END + b"0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4" + END + b"0\r\n\r\n", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nContent-Length: 5" + END + b"abcd", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, identity" + END + b"abcd", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked" + END + b"abcd", 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1" + END, 400),
        (b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked" + END + b"zz\r\n", 400),
        (b"CONNECT a:1 HTTP/1.1\r\nHost: a" + END, 405),
        (b"GET / HTTP/2.0\r\nHost: a" + END, 505),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 100_000, 431),
    ],
)
def test_what_is_malformed_is_refused_and_never_passed_on(
    proxy: Proxy, addresses: Addresses, request_: bytes, status: int
) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    with web(pod) as server:
        proxy.route(service, backends((1, [pod])))
        heard = raw(service, request_ + b"GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
        assert heard.startswith(b"HTTP/1.1 %d " % status), heard
        assert heard.count(b"HTTP/1.1") == 1
        assert b"\r\nConnection: close\r\n" in heard
        assert server.connections <= 1
        assert b"smuggled" not in heard


def test_a_whole_url_is_a_target_too(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    with web(pod):
        proxy.route(service, backends((1, [pod]), match={"host": "shop.example", "path": ["Exact", "/a"]}))
        heard = raw(service, b"GET http://shop.example/a?b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    told = json.loads(heard.partition(END)[2])
    assert (told["path"], told["headers"]["host"]) == ("/a?b", "shop.example")


def test_a_client_that_waits_for_leave_to_send_gets_it(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    with (
        web(pod),
        socket.create_connection((service, PORT), timeout=10) if False else closing(socket.socket()) as client,
    ):
        proxy.route(service, backends((1, [pod])))
        client.settimeout(10)
        client.connect((service, PORT))
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        assert head_of(client).startswith(b"HTTP/1.1 100 ")
        client.sendall(b"abc")
        heard = b""
        while b'"size": 3' not in heard:
            heard += client.recv(65536)


def test_a_client_that_is_refused_leave_reads_why(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    no = b"HTTP/1.1 417 No\r\nContent-Length: 0\r\n\r\n"
    with scripted(pod, saying(no)), closing(socket.socket()) as client:
        proxy.route(service, backends((1, [pod])))
        client.settimeout(10)
        client.connect((service, PORT))
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n")
        heard = head_of(client)
        assert heard.startswith(b"HTTP/1.1 417 No")
        assert b"Connection: close" in heard, "what it sends next could be the body or a request"
        assert client.recv(100) == b""


def test_websockets_pass_through(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()

    def echo(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 101 Switching\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX: 1\r\n\r\nhi")
        while data := connection.recv(100):
            connection.sendall(data.upper())

    with scripted(pod, echo) as heard, closing(socket.socket()) as client:
        proxy.route(service, backends((1, [pod])))
        client.settimeout(10)
        client.connect((service, PORT))
        client.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n\r\n")
        answer = head_of(client)
        while not answer.endswith(b"hi"):
            answer += client.recv(100)
        assert answer.startswith(b"HTTP/1.1 101 ")
        assert b"Upgrade: websocket" in heard[0]
        client.sendall(b"\x81abc")
        assert client.recv(100) == b"\x81ABC"
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""


def test_wishes_for_other_protocols_are_not_passed_on(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    with web(pod), closing(connect(service)) as kept:
        proxy.route(service, backends((1, [pod])))
        wish = {"Connection": "Upgrade, HTTP2-Settings", "Upgrade": "h2c", "HTTP2-Settings": "x"}
        for body in (None, b"abc", iter([b"a", b"bc"])):
            method = "GET" if body is None else "POST"
            status, told = ask(kept, "/", method, body=body, headers=wish, encode_chunked=not isinstance(body, bytes))
            assert (status, told["size"]) == (200, 0 if body is None else 3)
            assert told["headers"].keys() & {"upgrade", "http2-settings", "connection"} == set()
        refused = {"Connection": "Upgrade", "Upgrade": "websocket"}
        assert ask(kept, headers=refused)[0] == 200, "a server that does not switch answers as ever"
        assert ask(kept)[0] == 200


def test_what_may_be_said_twice_is_said_again_where_a_kept_connection_has_ended(
    proxy: Proxy, addresses: Addresses
) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    fine = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def ends_with_the_second(connection: socket.socket) -> None:
        connection.sendall(fine)
        heard.append(head_of(connection))

    with scripted(pod, ends_with_the_second, saying(fine)) as heard, closing(connect(service)) as kept:
        proxy.route(service, backends((1, [pod])))
        assert ask(kept) == (200, "ok")
        assert ask(kept, "/again") == (200, "ok")
        assert [head.split()[1] for head in heard] == [b"/", b"/again", b"/again"]


@pytest.mark.parametrize("body", [b"", b"x"])
def test_what_is_not_safe_to_repeat_is_sent_once(proxy: Proxy, addresses: Addresses, body: bytes) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    fine = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    def ends_with_the_second(connection: socket.socket) -> None:
        connection.sendall(fine)
        heard.append(head_of(connection))

    with scripted(pod, ends_with_the_second, saying(fine)) as heard, closing(connect(service)) as kept:
        proxy.route(service, backends((1, [pod])))
        assert ask(kept) == (200, "ok")
        assert ask(kept, "/", "POST", body=body)[0] == 503
        assert len(heard) == 2
        assert ask(kept) == (200, "ok"), "the client's connection goes on"


def test_a_kept_connection_that_the_server_ended_is_not_used(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    fine = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    with scripted(pod, *[saying(fine)] * 20), closing(connect(service)) as kept:
        proxy.route(service, backends((1, [pod])))
        assert [ask(kept, "/", "POST", body=b"x") for _ in range(20)] == [(200, "ok")] * 20


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (b"", 503),
        (b"HTTP/1.1 200 OK\r\nContent-", 503),
        (b"nonsense\r\n\r\n", 502),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 502),
        (b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", 502),
    ],
)
def test_an_answer_that_is_none_is_told(proxy: Proxy, addresses: Addresses, answer: bytes, status: int) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    with scripted(pod, saying(answer)), closing(connect(service)) as kept:
        proxy.route(service, backends((1, [pod])))
        assert ask(kept)[0] == status


def test_an_answer_that_breaks_off_breaks_off(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    with scripted(pod, saying(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")), closing(connect(service)) as kept:
        proxy.route(service, backends((1, [pod])))
        with pytest.raises(http.client.IncompleteRead):
            ask(kept)


def test_an_answer_that_goes_on_too_long_is_not_the_beginning_of_the_next(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    twice = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na" + b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb"
    other = b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nc"
    with scripted(pod, saying(twice), saying(other)), closing(connect(service)) as kept:
        proxy.route(service, backends((1, [pod])))
        assert [ask(kept)[1], ask(kept)[1]] == ["a", "c"]


def test_a_request_in_flight_finishes_where_it_is(proxy: Proxy, addresses: Addresses) -> None:
    service, pod, other = addresses.take_service(), addresses.take_pod(), addresses.take_pod()
    go_on = threading.Event()

    def slow(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl")
        go_on.wait(10)
        connection.sendall(b"ow")

    with scripted(pod, slow), web(other), closing(connect(service)) as kept:
        proxy.route(service, backends((1, [pod])))
        kept.request("GET", "/")
        answer = kept.getresponse()
        assert answer.read(2) == b"sl"
        proxy.route(service, backends((0, [pod]), (1, [other])))
        go_on.set()
        assert answer.read() == b"ow"
        assert ask(kept)[1]["who"] == other


def test_who_reads_slowly_is_waited_for(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    size, sent = 200_000_000, [0]

    def tells_much(connection: socket.socket) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
        piece = b"x" * 1_000_000
        with suppress(OSError):
            while sent[0] < size:
                connection.sendall(piece)
                sent[0] += len(piece)

    with scripted(pod, tells_much), closing(connect(service)) as client:
        proxy.route(service, backends((1, [pod])))
        client.request("GET", "/")
        answer = client.getresponse()
        before = -1
        while sent[0] != before:
            before = sent[0]
            time.sleep(0.3)
        assert sent[0] < size / 2, "the endpoint is stopped, and nothing is heaped up"
        assert len(answer.read(1_000_000)) == 1_000_000
        client.close()


def test_an_endpoint_that_reads_slowly_is_waited_for(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    size, go_on = 200_000_000, threading.Event()

    def reads_late(connection: socket.socket) -> None:
        go_on.wait(10)

    with scripted(pod, reads_late), closing(socket.socket()) as client:
        proxy.route(service, backends((1, [pod])))
        client.settimeout(0.5)
        client.connect((service, PORT))
        client.sendall(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % size)
        sent = 0
        with suppress(TimeoutError):
            while sent < size:
                sent += client.send(b"x" * 1_000_000)
        assert sent < size / 2, "the client is stopped, and nothing is heaped up"
        go_on.set()


def test_a_client_that_goes_takes_its_request_with_it(proxy: Proxy, addresses: Addresses) -> None:
    service, pod = addresses.take_service(), addresses.take_pod()
    ended = threading.Event()

    def waits(connection: socket.socket) -> None:
        try:
            if connection.recv(1) == b"":
                ended.set()
        except ConnectionResetError:
            ended.set()

    with scripted(pod, waits) as heard, closing(connect(service)) as client:
        proxy.route(service, backends((1, [pod])))
        client.request("GET", "/")
        wait_for(lambda: heard, within=10, reason="the request to arrive")
        client.close()
        assert ended.wait(10), "the endpoint is told that nobody waits any more"
