"""Who can open a backup: recipients encrypt, identities decrypt, both as the age format has them (age-encryption.org).

Taking a backup needs recipients alone, which are no secret; whoever holds an identity opens it, with muster or with
`age --decrypt --identity FILE`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pyrage  # type: ignore[import-untyped]

from muster.backup.errors import BackupError
from muster.base.errors import UsageError

RECIPIENTS_VARIABLE = "MUSTER_BACKUP_RECIPIENTS"
KEY_VARIABLE = "MUSTER_BACKUP_KEY_FILE"


@dataclass(frozen=True)
class Recipients:
    """Those for whom a backup is encrypted, each as `age1...`."""

    names: tuple[str, ...]

    @classmethod
    def named(cls, names: Sequence[str]) -> Recipients:
        """The recipients of the environment, or else those of system.yaml.

        Raises:
            UsageError: there is none, or one is no recipient.
        """
        given = os.environ.get(RECIPIENTS_VARIABLE, "").replace(",", " ").split() or list(names)
        if not given:
            raise UsageError(
                "nobody is named who could open a backup: make a key with 'muster backup key FILE', then name what it "
                f"prints in 'backup.recipients' of system.yaml or in {RECIPIENTS_VARIABLE}"
            )
        found = cls(tuple(given))
        found.keys()
        return found

    def keys(self) -> list[Any]:
        """What the library encrypts for.

        Raises:
            UsageError: one is no recipient.
        """
        keys = []
        for name in self.names:
            try:
                keys.append(pyrage.x25519.Recipient.from_str(name))
            except pyrage.RecipientError:
                if name.upper().startswith("AGE-SECRET-KEY-"):
                    raise UsageError(
                        "a recipient is a public key (age1...), this is a secret one, which belongs into no system.yaml"
                    ) from None
                raise UsageError(f"'{name}' is no recipient of the age format; right would be age1...") from None
        return keys

    def encrypt(self, source: IO[bytes], target: IO[bytes]) -> None:
        """Read all of `source` and write it encrypted.

        Raises:
            BackupError: reading or writing failed; the message has the cause.
        """
        try:
            pyrage.encrypt_io(source, target, self.keys())
        except (pyrage.EncryptError, OSError) as error:
            raise BackupError(f"encrypting broke off: {error}") from error


class Identities:
    """The secret keys of a key file."""

    def __init__(self, path: Path) -> None:
        """Read a file as `age-keygen` writes it.

        Raises:
            UsageError: there is none, or it holds no key.
        """
        self.path = path
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            why = getattr(error, "strerror", None) or "it is no text"
            raise UsageError(f"key file {path} cannot be read: {why}") from None
        self._keys = []
        for line in filter(None, (line.partition("#")[0].strip() for line in lines)):
            try:
                self._keys.append(pyrage.x25519.Identity.from_str(line))
            except pyrage.IdentityError:
                raise UsageError(
                    f"key file {path} holds what is no key of the age format; right would be AGE-SECRET-KEY-1..."
                ) from None
        if not self._keys:
            raise UsageError(f"key file {path} holds no key; right would be a line AGE-SECRET-KEY-1...")

    @classmethod
    def named(cls, path: Path | None) -> Identities:
        """Those of `path`, or else of the environment's file.

        Raises:
            UsageError: no file is named, or it holds no key.
        """
        named = path or Path(os.environ.get(KEY_VARIABLE, ""))
        if named == Path():
            raise UsageError(f"no key is named that opens backups: name its file with --key or in {KEY_VARIABLE}")
        return cls(named)

    def decrypt(self, source: IO[bytes], target: IO[bytes], what: str) -> None:
        """Read all of `source` and write it decrypted.

        Raises:
            BackupError: none of the keys opens it, or it is not what was written.
        """
        try:
            pyrage.decrypt_io(source, target, self._keys)
        except pyrage.DecryptError as error:
            if "matching keys" in str(error):
                raise BackupError(
                    f"{what} is not for the key in {self.path}: name the key that it was made for"
                ) from None
            raise BackupError(f"{what} cannot be decrypted: {error}") from None
        except OSError as error:
            raise BackupError(f"{what} cannot be decrypted: {error}") from None


def make_key(path: Path) -> str:
    """Write a new key file that only its owner can read, and return its recipient.

    Raises:
        UsageError: the file is there already, or cannot be written.
    """
    identity = pyrage.x25519.Identity.generate()
    recipient = str(identity.to_public())
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UsageError(f"{path} is there already and is not overwritten: backups may need it") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(f"# public key: {recipient}\n{identity}\n")
    return recipient
