"""Channels speak to real servers on this machine, say why one did not take a message, and never show an address."""

from __future__ import annotations

import contextlib
import email.policy
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from muster.notices import Outbox, deliver
from muster.notices.channels import ChannelError, Message, channels_of_environment, variable_of
from muster.notices.channels.channel import LIMIT_S
from muster.notices.channels.secrets import Secrets
from muster.notices.testing import KEY, TOKEN, LocalReceiver

from .telling import both, notice

# It is on this machine, and the password is of these tests.
WITHOUT_TLS = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
PASSWORD = "s3cr3t-passw0rd"


class Mails:
    """What a mail server took."""

    def __init__(self) -> None:
        self.taken: list[email.message.EmailMessage] = []
        self.answer = "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.answer.startswith("250"):
            content = envelope.content
            assert isinstance(content, bytes)
            self.taken.append(email.message_from_bytes(content, policy=email.policy.default))
        return self.answer


class OnAnyPort(Controller):
    """A mail server on a port that is free."""

    def _trigger_server(self) -> None:
        assert self.server is not None
        self.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()


@pytest.fixture
def mails() -> Mails:
    return Mails()


@pytest.fixture
def server(mails: Mails) -> Iterator[Controller]:
    def admit(_server: SMTP, _session: Session, _envelope: Envelope, _how: str, given: LoginPassword) -> AuthResult:
        return AuthResult(success=given.password == PASSWORD.encode(), handled=False)

    controller = OnAnyPort(
        mails, hostname="127.0.0.1", port=0, authenticator=admit, auth_require_tls=False, auth_required=True
    )
    controller.start()
    yield controller
    with contextlib.suppress(RuntimeError):  # a test has stopped it
        controller.stop(no_assert=True)


def address_of(server: Controller, password: str = PASSWORD) -> str:
    return f"mailto://duty:{password}@127.0.0.1:{server.port}?from=muster@shop.example&to=team@shop.example"


def message(state: str = "trigger", severity: str = "P1", **said: str) -> Message:
    given = {"key": "shop/1", "system": "shop", "cluster": "staging", "subject": "P1 shop: 订单", **said}
    return Message("uid-1", state=state, severity=severity, body="first\n\n<b>second</b>", at="2026-03-02", **given)


def send(address: str, what: Message | None = None) -> None:
    (channel,) = channels_of_environment({"MUSTER_NOTICES_X": address}).values()
    channel.send(what or message())


@WITHOUT_TLS
def test_a_mail_arrives_as_plain_text_in_a_thread_of_its_key(server: Controller, mails: Mails) -> None:
    send(address_of(server))
    (mail,) = mails.taken
    assert (mail["subject"], mail["to"]) == ("P1 shop: 订单", "team@shop.example")
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().replace("\r\n", "\n").strip() == "first\n\n<b>second</b>"
    assert (mail["X-Muster-Notice"], mail["References"]) == ("uid-1", "<shop.1@muster>")


@WITHOUT_TLS
def test_a_mail_server_that_refuses_or_is_gone_is_said(server: Controller, mails: Mails) -> None:
    mails.answer = "451 try later"
    with pytest.raises(ChannelError, match=r"^mailto: it answered 451 try later$"):
        send(address_of(server))
    with pytest.raises(ChannelError, match=r"^mailto: it answered 535 ") as caught:
        send(address_of(server, "wrong-passw0rd"))
    assert "wrong-passw0rd" not in str(caught.value)
    gone = address_of(server)
    server.stop()
    with pytest.raises(ChannelError, match="mailto: Connection refused"):
        send(gone)
    assert mails.taken == []


def test_a_webhook_gets_the_uid_as_its_key(there: LocalReceiver) -> None:
    send(there.webhook)
    send(there.webhook, message("resolve"))
    (_, headers, first), (_, _, second) = there.arrived
    assert headers["Idempotency-Key"] == "uid-1"
    assert (first["title"], first["message"], first["type"]) == (message().subject, message().body, "failure")
    assert second["type"] == "success"


@pytest.mark.parametrize("status", [302, 400, 404, 429, 500, 503])
def test_who_does_not_take_it_is_said_by_what_it_answered(there: LocalReceiver, status: int) -> None:
    there.status = status
    with pytest.raises(ChannelError, match=f"^json: it answered {status}$"):
        send(there.webhook)
    with pytest.raises(ChannelError, match=f"PagerDuty.* {status}"):
        send(there.events)
    assert there.asked == 2, "trying again is the outbox's"


def test_who_does_not_answer_in_time_has_not_taken_it(there: LocalReceiver, monkeypatch: pytest.MonkeyPatch) -> None:
    assert LIMIT_S < 10
    there.hang_s = 30
    for module in ("apprised", "pagerduty"):
        monkeypatch.setattr(f"muster.notices.channels.{module}.LIMIT_S", 1)
    with pytest.raises(ChannelError, match=r"^json: .*([Tt]imed out|no answer in time)"):
        send(there.webhook)
    with pytest.raises(ChannelError, match=r"^PagerDuty: .*timed out"):
        send(there.events)


def test_pagerduty_is_told_what_to_do_under_one_key(there: LocalReceiver) -> None:
    for state in ("trigger", "acknowledge", "resolve"):
        send(there.events, message(state, "P2", incident="20260302-1"))
    assert there.alerts == {"shop/1": ["trigger", "acknowledge", "resolve"]}
    content = there.arrived[0][2]
    assert content["routing_key"] == KEY
    payload = content["payload"]
    assert (payload["severity"], payload["source"], payload["component"]) == ("error", "staging", "shop")
    assert payload["custom_details"]["incident"] == "20260302-1"
    assert "payload" not in there.arrived[1][2]


@pytest.mark.parametrize(
    ("address", "why"),
    [
        ("carrier-pigeon://loft", "its address is none that apprise understands"),
        ("slack://only-one-token-of-three", "its address is none that apprise understands"),
        ("no address at all", "its address is none that apprise understands"),
        ("pagerduty://", "its address is none; right would be pagerduty://KEY"),
        ("pagerduty://user:passw0rd@", "its address is none; right would be pagerduty://KEY"),
        (f"pagerduty+http://{KEY}@events.example", "without TLS its key would be read on the way"),
    ],
)
def test_an_address_that_is_none_is_said_without_it(address: str, why: str) -> None:
    (channel,) = channels_of_environment({"MUSTER_NOTICES_X": address}).values()
    for use in (channel.check, lambda: channel.send(message())):
        with pytest.raises(ChannelError, match=why) as caught:
            use()
        for secret in ("loft", "only-one-token", "passw0rd", KEY, "no address at all"):
            assert secret not in str(caught.value)


def test_channels_are_what_the_environment_names() -> None:
    found = channels_of_environment(
        {
            "MUSTER_NOTICES_ON_CALL": f"pagerduty://{KEY}",
            "MUSTER_NOTICES_TEAM": "slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ",
            "MUSTER_NOTICES_EMPTY": " ",
            "MUSTER_NOTICES_lower": "json://127.0.0.1",
            "MUSTER_NOTICES": "json://127.0.0.1",
            "OTHER": "json://127.0.0.1",
        }
    )
    assert {name: channel.kind for name, channel in found.items()} == {"on-call": "pagerduty", "team": "slack"}
    assert variable_of("on-call") == "MUSTER_NOTICES_ON_CALL"
    for channel in found.values():
        channel.check()
        assert KEY not in repr(channel)
        assert "TIiajkdnlazkcOXrIdevi7FQ" not in repr(channel)


def test_no_part_of_an_address_is_in_a_text() -> None:
    hidden = Secrets("mailto://duty:p%40ssw0rd@mail.example:2525/inbox?to=team@shop.example&token=abcdef")
    text = hidden.hide("535 duty p@ssw0rd p%40ssw0rd\nat mail.example:2525 inbox team@shop.example abcdef")
    assert text == "535 *** *** *** at mail.example:2525 *** *** ***"
    assert Secrets("slack://TOKENA/TOKENB/TOKENC").hide("x TOKENA TOKENB TOKENC") == "x *** *** ***"


def test_no_address_is_kept_or_told_whatever_goes_wrong(
    outbox: Outbox, there: LocalReceiver, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    way = both(tmp_path, there)
    said = []
    for status in (500, 401, 202):
        there.status = status
        outbox.put(way, notice(str(status)))
        said.append(repr(deliver(outbox, way, within_s=10, hurry=True)))
    there.stop()
    outbox.put(way, notice("gone"))
    said.append(repr(deliver(outbox, way, within_s=10, hurry=True)))
    said += capfd.readouterr()
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("store.sqlite*"))
    for secret in (KEY, TOKEN, KEY[-4:]):
        assert secret.encode() not in kept
        assert not any(secret in text for text in said), said
