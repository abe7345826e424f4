"""A signed file is accepted as it was signed, for what it is about, while it lasts, and in no other case."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner

from muster.gate.envelope import PAYLOAD_TYPE, NotAcceptedError, seal, unseal
from muster.gate.keys import TrustedKey
from muster.gate.verifying import Verified, Wanted, verify, without_tag
from muster.schemas import DIRECTORY

from .made import CONFIGURATION, EXPIRES, IMAGE, MADE, NOW, OTHER, SIGNER, TRUSTED, content, item, signed, waiver

FILE = signed()
KEYS = st.sampled_from(["payload", "payloadType", "signatures", "keyid", "sig"])
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner)
)
ECDSA = CryptoSigner.generate_ecdsa()


def verified(data: bytes = FILE, wanted: Wanted | None = None, now: datetime = NOW) -> Verified:
    return verify(data, [TRUSTED], wanted or Wanted(), now)


def refused(data: bytes = FILE, wanted: Wanted | None = None, now: datetime = NOW) -> str:
    with pytest.raises(NotAcceptedError) as caught:
        verified(data, wanted, now)
    sentence = str(caught.value)
    assert sentence == " ".join(sentence.split()), "one line"
    return sentence


def sealed(payload: bytes, payload_type: str = PAYLOAD_TYPE, signer: CryptoSigner = SIGNER) -> bytes:
    """What somebody who has the key may sign, as muster would write it."""
    envelope = Envelope(payload, payload_type, {})
    envelope.sign(signer)
    return (json.dumps(envelope.to_dict(), indent=2, sort_keys=True) + "\n").encode()


def test_a_file_is_accepted_as_it_was_signed() -> None:
    found = verified(wanted=Wanted(images={"registry.example:5000/shop:5.2": IMAGE}, configuration=CONFIGURATION))
    assert (found.judgement.verdict, found.key) == ("met", "gate.pub")
    assert found.statement.predicate.system == "shop"


@pytest.mark.parametrize("signer", [SIGNER, ECDSA, CryptoSigner.generate_ecdsa(scheme="ecdsa-sha2-nistp384")])
def test_each_kind_of_key_signs(signer: CryptoSigner) -> None:
    payload, key = unseal(seal(b"{}", signer), [TRUSTED, TrustedKey("second", signer.public_key)])
    assert payload == b"{}"
    assert key.key == signer.public_key


@given(st.integers(0, len(FILE) - 1), st.integers(0, 255))
@example(len(FILE) - 1, ord(" "))
@example(0, ord("["))
def test_one_byte_changed_is_refused_wherever_it_stands(place: int, byte: int) -> None:
    if FILE[place] != byte:
        assert refused(FILE[:place] + bytes([byte]) + FILE[place + 1 :])


def test_no_single_bit_of_the_file_can_be_another() -> None:
    for place in range(len(FILE)):
        for bit in (1, 2, 32):  # case of letters, neighbours in base64, digits
            assert refused(FILE[:place] + bytes([FILE[place] ^ bit]) + FILE[place + 1 :])


@given(st.integers(0, len(FILE) - 1), st.binary(min_size=0, max_size=3), st.integers(0, 3))
def test_nothing_can_be_put_in_or_taken_out(place: int, put: bytes, taken: int) -> None:
    changed = FILE[:place] + put + FILE[place + taken :]
    if changed != FILE:
        assert refused(changed)


@given(st.binary(max_size=200) | st.text(max_size=100).map(str.encode))
def test_whatever_is_in_a_file_the_answer_is_one_sentence(data: bytes) -> None:
    assert refused(data)


@given(JSON)
def test_whatever_json_it_is_the_answer_is_one_sentence(document: Any) -> None:
    assert refused(json.dumps(document).encode())


def _again(change: Callable[[dict[str, Any]], object]) -> bytes:
    document = json.loads(FILE)
    change(document)
    return (json.dumps(document, indent=2, sort_keys=True) + "\n").encode()


def test_an_envelope_that_means_the_same_but_is_written_otherwise_is_refused() -> None:
    assert refused(json.dumps(json.loads(FILE)).encode()) == (
        "the file is not as muster wrote it, although its signature is right"
    )
    payload = base64.b64encode(base64.b64decode(json.loads(FILE)["payload"])).decode()
    urlsafe = payload.replace("+", "-").replace("/", "_")
    spaced = payload[:8] + "\\n" + payload[8:]
    assert refused(FILE.replace(payload.encode(), spaced.encode()))
    assert urlsafe == payload or refused(FILE.replace(payload.encode(), urlsafe.encode()))
    assert refused(b"\xef\xbb\xbf" + FILE)


def test_of_a_key_that_stands_twice_neither_counts() -> None:
    evil = base64.b64encode(b"{}").decode()
    assert refused(FILE.replace(b'{\n  "payload"', f'{{\n  "payload": "{evil}",\n  "payload"'.encode())) == (
        "the file is ambiguous JSON: the key 'payload' stands twice"
    )
    told = json.dumps(content()).replace('"verdict": "met"', '"verdict": "missed", "verdict": "met"')
    assert refused(sealed(told.encode())) == "the payload is ambiguous JSON: the key 'verdict' stands twice"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda one: one.update(signatures=[]), "the envelope has 0 signatures; an acceptance has exactly one"),
        (lambda one: one["signatures"].append(one["signatures"][0]), "the envelope has 2 signatures"),
        (lambda one: one.update(more=1), "the file is no DSSE envelope"),
        (lambda one: one["signatures"][0].update(cert="x"), "the envelope's signature is none"),
        (lambda one: one["signatures"][0].update(keyid=None), "the envelope holds something else than texts"),
        (lambda one: one["signatures"][0].update(keyid="0" * 64), "no valid signature of gate.pub"),
        (lambda one: one["signatures"][0].update(sig=""), "no valid signature of gate.pub"),
        (lambda one: one["signatures"][0].update(sig="A"), "the envelope's payload or signature is not base64"),
        (lambda one: one.update(payload=one["payload"][4:]), "no valid signature of gate.pub"),
        (lambda one: one.update(payloadType="text/plain"), "the envelope holds 'text/plain', and not"),
    ],
)
def test_an_envelope_that_was_changed_is_refused(change: Callable[[Any], object], sentence: str) -> None:
    assert refused(_again(change)).startswith(sentence)


def test_another_key_s_signature_is_none_whatever_key_id_it_claims() -> None:
    payload = base64.b64decode(json.loads(FILE)["payload"])
    forged = json.loads(sealed(payload, signer=OTHER))
    assert refused(sealed(payload, signer=OTHER)).startswith("no valid signature of gate.pub")
    forged["signatures"][0]["keyid"] = SIGNER.public_key.keyid
    assert refused((json.dumps(forged, indent=2, sort_keys=True) + "\n").encode()).startswith("no valid signature")


def test_what_was_signed_as_something_else_is_no_acceptance() -> None:
    payload = base64.b64decode(json.loads(FILE)["payload"])
    assert refused(sealed(payload, "application/json")).startswith("the envelope holds 'application/json'")
    other = content() | {"predicateType": "https://muster.dev/acceptance/v2"}
    assert refused(sealed(json.dumps(other).encode())) == (
        "the payload's predicateType is 'https://muster.dev/acceptance/v2'; right would be "
        "https://muster.dev/acceptance/v1"
    )
    other = content() | {"_type": "https://in-toto.io/Statement/v0.1"}
    assert refused(sealed(json.dumps(other).encode())).startswith("the payload's _type is 'https://in-toto.io")
    assert refused(sealed(b"[]")) == "the payload is no statement"
    assert refused(sealed(b'{"_type": NaN}')) == "the payload is ambiguous JSON: NaN is no number"
    assert refused(sealed(b"[" * 100_000)) == "the payload is no JSON"
    assert "nests deeper" in refused(sealed(b"[" * 500 + b"]" * 500))


@pytest.mark.parametrize(
    ("changed", "sentence"),
    [
        ({"verdict": "fine"}, "predicate.verdict"),
        ({"unheard": 1}, "predicate.unheard"),
        ({"made": "yesterday"}, "predicate.made"),
        ({"made": "2026-03-01T11:00:00"}, "predicate.made"),
        ({"expires": "2026-02-01T11:00:00Z"}, "it expired before it was made"),
        ({"items": []}, "predicate.items"),
        ({"items": [item(), item()]}, "an item stands twice"),
        ({"waivers": [waiver("health") | {"who": " "}]}, "predicate.waivers.0.who"),
        ({"system": "shop\nmet"}, "predicate.system"),
    ],
)
def test_a_predicate_that_is_none_is_refused_even_if_it_is_signed(changed: dict[str, Any], sentence: str) -> None:
    document = content()
    document["predicate"] |= changed
    told = refused(sealed(json.dumps(document).encode()))
    assert told.startswith("the payload is no acceptance: ")
    assert sentence in told


@pytest.mark.parametrize("now", [EXPIRES, "2027-01-01T00:00:00Z"])
def test_what_has_expired_is_refused(now: str) -> None:
    assert refused(now=datetime.fromisoformat(now)) == f"it expired at {EXPIRES}: hold the gate again"
    assert verified(now=datetime.fromisoformat(EXPIRES) - timedelta(seconds=1))


def test_what_was_made_in_time_to_come_is_refused_but_for_what_clocks_differ() -> None:
    made = datetime.fromisoformat(MADE)
    assert refused(now=made - timedelta(minutes=6)) == f"it says that it was made at {MADE}, which is yet to come"
    assert verified(now=made - timedelta(minutes=4)).judgement.verdict == "met"


def test_a_file_for_a_rehearsal_opens_nothing_else() -> None:
    file = signed(**{"for": "rehearsal", "items": [item(evidence="rehearsal")]})
    assert refused(file) == "it opens a gate for rehearsal, and not for production"
    assert verified(file, Wanted(purpose="rehearsal")).judgement.verdict == "met"


@pytest.mark.parametrize(
    ("wanted", "sentence"),
    [
        (Wanted(images={"shop": IMAGE}), "it is not about an image 'shop'"),
        (Wanted(images={"registry.example:5000/shop": "c" * 64}), "is cccccccccccc, and what was accepted is aaaa"),
        (Wanted(images={"registry.example:5000/shop:5.3": IMAGE}), "it is not about an image"),
        (Wanted(images={}, whole=True), "it is also about image 'registry.example:5000/shop:5.2'"),
        (Wanted(configuration="c" * 64), "it is about configuration bbbbbbbbbbbb, and not about cccccccccccc"),
        (Wanted(system="bank"), "it is about system 'shop', and not about 'bank'"),
    ],
)
def test_what_is_about_something_else_is_refused(wanted: Wanted, sentence: str) -> None:
    assert sentence in refused(wanted=wanted)


def test_an_image_is_known_by_its_name_without_a_tag() -> None:
    assert verified(wanted=Wanted(images={"registry.example:5000/shop": IMAGE}, whole=True))
    assert without_tag("registry.example:5000/shop") == "registry.example:5000/shop"


def test_an_image_of_which_two_were_accepted_is_neither() -> None:
    document = content()
    document["subject"].append({"name": "registry.example:5000/shop:5.2", "digest": {"sha256": "d" * 64}})
    told = refused(sealed(json.dumps(document).encode()), Wanted(images={"registry.example:5000/shop:5.2": IMAGE}))
    assert "what was accepted is aaaaaaaaaaaa, dddddddddddd" in told


def test_a_verdict_that_does_not_follow_from_its_items_is_refused() -> None:
    real = item("rehearsal", evidence="files", why="no evidence is a rehearsal's", lines=[], source="the items")
    assert refused(signed(items=[item(outcome="missed"), real])) == (
        "its verdict 'met' does not follow from its items and waivers"
    )
    claimed = [item(evidence="rehearsal"), real]
    assert refused(signed(items=claimed)) == "its items do not say which of its evidence is a rehearsal's"
    assert refused(signed(items=[item()])) == "its items do not say which of its evidence is a rehearsal's"


def test_a_waiver_holds_as_long_as_it_says_and_no_longer() -> None:
    real = item("rehearsal", evidence="files", why="no evidence is a rehearsal's", lines=[], source="the items")
    file = signed(items=[item(outcome="missed"), real], waivers=[waiver("health", until="2026-03-03T00:00:00Z")])
    met = verified(file)
    assert met.judgement.verdict == "met"
    assert [one.who for one in met.judgement.applied] == ["the release manager"]
    later = verified(file, now=datetime.fromisoformat("2026-03-03T00:00:00Z"))
    assert (later.judgement.verdict, later.judgement.why) == ("missed", ("health: health is missed",))


def test_a_statement_is_as_its_schema_says() -> None:
    schema = json.loads((DIRECTORY / "acceptance-v1.json").read_text())
    check = Draft202012Validator(schema)
    assert not list(check.iter_errors(content(waivers=[waiver("health")])))
    assert list(check.iter_errors(content(verdict="fine")))


def test_a_file_that_says_missed_or_unknown_says_so() -> None:
    real = item("rehearsal", evidence="files", why="no evidence is a rehearsal's", lines=[], source="the items")
    for verdict in ("missed", "unknown"):
        found = verified(signed(items=[item(outcome=verdict), real], verdict=verdict))
        assert found.judgement.verdict == verdict
