"""The store keeps what was written, and says so where that is not what lies there."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from muster.backup import BackupError, Identities, Recipients, Store, Verification
from muster.backup.keys import make_key
from muster.backup.store import BASE_FILE, check, digest_of
from muster.backup.taking import keep
from muster.base.errors import UsageError

from .made import base, name, segment


def shipped(store: Store, tmp_path: Path, number: int) -> None:
    waiting = tmp_path / "waiting"
    waiting.write_bytes(b"x")
    store.ship(segment(number, number), waiting)


def test_a_base_counts_from_when_it_was_ended(tmp_path: Path) -> None:
    store = Store(tmp_path, "shop")
    with store.begin("base-10"):
        assert store.bases() == []
        assert store.unended() == ["base-10"]
        store.end(base(10, 3))
    assert store.bases() == [base(10, 3)]
    assert store.base("latest") == store.base("base-10")


def test_a_base_that_fails_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path, "shop")
    with pytest.raises(BackupError), store.begin("base-10") as folder:
        (folder / BASE_FILE).write_text("half")
        raise BackupError("the pod went")
    assert store.unended() == []


def test_half_a_line_of_the_index_is_passed_over_and_written_again(tmp_path: Path) -> None:
    store = Store(tmp_path, "shop")
    shipped(store, tmp_path, 1)
    index = tmp_path / "shop" / "wal" / "index.jsonl"
    whole = index.read_bytes()
    for cut in range(len(whole)):
        index.write_bytes(whole + whole[:cut].rstrip(b"\n"))
        assert [one.name for one in store.segments()] == [name(1)] or cut >= len(whole) - 1
    index.write_bytes(whole + whole[:30])
    with pytest.raises(BackupError, match="line 2 is no JSON"):
        shipped(store, tmp_path, 2)
        store.segments()


def test_a_verification_is_of_the_very_files_that_were_restored(tmp_path: Path) -> None:
    store = Store(tmp_path, "shop")
    with store.begin("base-10"):
        store.end(base(10, 3))
    found = Verification(at="2026-03-01T00:00:00Z", ok=True, why="", took_s=1.0, rows={"a.b.c": 1})
    store.keep_verification(base(10, 3), found)
    assert store.verification(store.base("latest")) == found
    path = tmp_path / "shop" / "bases" / "base-10" / "manifest.json"
    path.write_text(path.read_text().replace("0" * 64, "1" * 64))
    assert store.verification(store.base("latest")) is None


def test_what_was_changed_since_is_not_what_was_written(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_bytes(b"content")
    digest = digest_of(file)
    check(file, digest)
    file.write_bytes(b"contend")
    with pytest.raises(BackupError, match="is not what was written"):
        check(file, digest)


def test_what_is_encrypted_opens_with_the_key_and_with_no_other(tmp_path: Path) -> None:
    right, wrong = tmp_path / "right", tmp_path / "wrong"
    recipients = Recipients((make_key(right),))
    make_key(wrong)
    assert right.stat().st_mode & 0o777 == 0o600
    stored = keep(io.BytesIO(b"secret" * 100_000), tmp_path / "file", recipients)
    assert stored.plain_bytes == 600_000
    assert b"secretsecret" not in (tmp_path / "file").read_bytes()
    opened = io.BytesIO()
    with (tmp_path / "file").open("rb") as file:
        Identities(right).decrypt(file, opened, "the file")
    assert opened.getvalue() == b"secret" * 100_000
    with (tmp_path / "file").open("rb") as file, pytest.raises(BackupError, match=r"is not for the key in .*wrong"):
        Identities(wrong).decrypt(file, io.BytesIO(), "the file")
    damaged = bytearray((tmp_path / "file").read_bytes())
    damaged[-100] ^= 1
    with pytest.raises(BackupError, match="cannot be decrypted"):
        Identities(right).decrypt(io.BytesIO(bytes(damaged)), io.BytesIO(), "the file")


def test_a_key_is_never_overwritten_and_a_secret_one_is_no_recipient(tmp_path: Path) -> None:
    make_key(tmp_path / "key")
    with pytest.raises(UsageError, match="is there already and is not overwritten"):
        make_key(tmp_path / "key")
    secret = (tmp_path / "key").read_text().splitlines()[1]
    with pytest.raises(UsageError, match="a recipient is a public key") as refused:
        Recipients.named([secret])
    assert secret not in str(refused.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [("", "holds no key"), ("nonsense", "holds what is no key of the age format"), (None, "cannot be read")],
)
def test_a_key_file_without_a_key_is_refused(tmp_path: Path, text: str | None, said: str) -> None:
    if text is not None:
        (tmp_path / "key").write_text(text)
    with pytest.raises(UsageError, match=said):
        Identities(tmp_path / "key")
