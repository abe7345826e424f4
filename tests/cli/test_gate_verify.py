"""`muster gate verify` where there is nothing but a file and a key: no project, no cluster, no store, no settings."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.gate.made import CONFIGURATION, IMAGE, OTHER, item, signed, write_keys

from muster.base.clock import utc

MUSTER = str(Path(sys.executable).with_name("muster"))
REAL = item("rehearsal", evidence="files", why="no evidence is a rehearsal's", lines=[], source="the items")


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A directory that holds a file, the key that it is verified by, and another key."""
    made, expires = (f"{utc() + timedelta(hours=by):%Y-%m-%dT%H:%M:%SZ}" for by in (-1, 24))
    write_keys(tmp_path, OTHER)
    (tmp_path / "gate.pub").rename(tmp_path / "other.pub")
    write_keys(tmp_path)
    for name, outcome in (("gate", "met"), ("missed", "missed"), ("unknown", "unknown")):
        told = {"items": [item(outcome=outcome), REAL], "verdict": outcome, "made": made, "expires": expires}
        (tmp_path / f"{name}.json").write_bytes(signed(**told))
    (tmp_path / "old.json").write_bytes(signed())
    return tmp_path


def muster(directory: Path, *said: str) -> tuple[int, str, str]:
    """Exit code, output and errors, in an environment without anything."""
    done = subprocess.run(
        [MUSTER, "gate", "verify", *said],
        cwd=directory,
        env={"PATH": "/usr/bin:/bin", "HOME": str(directory / "nowhere")},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_a_file_and_a_key_are_enough(empty: Path) -> None:
    before = sorted(empty.iterdir())
    keys = ("--key", "other.pub", "--key", "gate.pub")
    about = ("--image", f"registry.example:5000/shop:5.2=sha256:{IMAGE}", "--configuration", f"sha256:{CONFIGURATION}")
    code, said, errors = muster(empty, "gate.json", *keys, *about)
    assert (code, errors) == (0, "")
    assert said.startswith("met: all 2 are met\n")
    assert "signed by      gate.pub\n" in said
    assert sorted(empty.iterdir()) == before


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (["missed.json", "--key", "gate.pub"], 1, "missed: health: health is missed"),
        (["unknown.json", "--key", "gate.pub"], 2, "unknown: health: health is unknown"),
        (["gate.json", "--key", "other.pub"], 1, "refused: no valid signature of other.pub: another key signed it"),
        (["old.json", "--key", "gate.pub"], 1, "refused: it expired at 2026-03-08T11:00:00Z: hold the gate again"),
        (["gate.json", "--key", "gate.pub", "--image", f"shop={IMAGE}"], 1, "refused: it is not about an image 'shop'"),
        (["gate.json", "--key", "gate.pub", "--for", "rehearsal"], 1, "refused: it opens a gate for production"),
    ],
)
def test_what_is_not_met_is_one_sentence_and_its_code(empty: Path, arguments: list[str], code: int, says: str) -> None:
    found, said, _ = muster(empty, *arguments)
    assert found == code
    assert said.startswith(says)


def test_one_byte_changed_is_refused(empty: Path) -> None:
    data = bytearray((empty / "gate.json").read_bytes())
    data[len(data) // 2] ^= 1
    (empty / "gate.json").write_bytes(data)
    code, said, _ = muster(empty, "gate.json", "--key", "gate.pub")
    assert code == 1
    assert said.startswith("refused: ")
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["gate.json"], "no key is given, and a file that anybody may have signed proves nothing"),
        (["gone.json", "--key", "gate.pub"], "gone.json cannot be read: No such file or directory"),
        (["gate.json", "--key", "gone.pub"], "key gone.pub cannot be read: No such file"),
        (["gate.json", "--key", "gate.json"], "key gate.json is no public key in PEM"),
        (["gate.json", "--key", "gate.key"], "key gate.key is a private key, which belongs to nobody but who signs"),
        (["gate.json", "--key", "gate.pub", "--image", "shop"], "'--image shop' is no NAME=DIGEST"),
        (["gate.json", "--key", "gate.pub", "--image", "shop=5.2"], "'5.2' is no digest; right would be sha256:"),
        (["gate.json", "--key", "gate.pub", "--for", "staging"], "'staging' is not one of"),
    ],
)
def test_wrong_use_is_no_answer(empty: Path, arguments: list[str], says: str) -> None:
    code, said, errors = muster(empty, *arguments)
    assert (code, said) == (64, "")
    assert says in " ".join(errors.split())


def test_as_json_a_refusal_is_told_as_well(empty: Path) -> None:
    code, said, _ = muster(empty, "gate.json", "--key", "gate.pub", "--json")
    told: dict[str, Any] = json.loads(said)
    assert (code, told["verdict"], told["refused"], told["key"]) == (0, "met", None, "gate.pub")
    assert told["statement"]["subject"][0]["digest"]["sha256"] == IMAGE
    code, said, _ = muster(empty, "gate.json", "--key", "other.pub", "--json")
    told = json.loads(said)
    assert (code, told["verdict"], told["statement"]) == (1, "missed", None)
    assert told["refused"].startswith("no valid signature of other.pub")


DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata: {{name: shop}}
spec:
  selector: {{matchLabels: {{app: shop}}}}
  template:
    metadata: {{labels: {{app: shop}}}}
    spec: {{containers: [{{name: shop, image: "{image}"}}]}}
"""


@pytest.mark.parametrize(
    ("image", "code", "says"),
    [
        (f"registry.example:5000/shop:5.2@sha256:{IMAGE}", 0, "met: "),
        (f"registry.example:5000/shop:5.2@sha256:{'c' * 64}", 1, "is cccccccccccc, and what was accepted is"),
        (f"registry.example:5000/bank@sha256:{IMAGE}", 1, "it is not about an image 'registry.example:5000/bank'"),
        ("registry.example:5000/shop:5.2", 64, "is named by a tag, which tells no content; see --image"),
    ],
)
def test_manifests_are_held_to_all_that_was_accepted(empty: Path, image: str, code: int, says: str) -> None:
    (empty / "deploy").mkdir()
    (empty / "deploy" / "shop.yaml").write_text(DEPLOYMENT.format(image=image))
    found, said, errors = muster(empty, "gate.json", "--key", "gate.pub", "--release", "deploy")
    assert found == code
    assert says in said + errors
