"""No credential is in anything that a run prints or keeps, whichever kind it is and however the run ends."""

from __future__ import annotations

import base64
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from tests.kube.api import certificate, serving

from muster.base.process import wait_gone
from muster.base.waiting import wait_for

if TYPE_CHECKING:
    from tests.drill_project import DrillProject

CANARY = "canary-e7d1"
DRILL = """
import pytest

@pytest.mark.drill(severity="P2", fault="pod-crash", load="steady", recovery="repair-crashed-pods", cadence="monthly")
def test_pod_crash(system, inject):
    with system.ledger(), inject():
        pass
"""
SYSTEM = """
schema: muster/system/v1
name: shop
namespace: shop
service: {name: web, port: 80, url: "http://127.0.0.1:9"}
headers: {Authorization: {env: MUSTER_CANARY, prefix: "Bearer "}}
images: {web: {env: {PASSWORD: canary-e7d1}}}
read: {request: {path: /}}
ledger:
  create: {method: POST, path: /, body: {id: "{id}", text: "{content}"}}
  read: {path: "/{id}"}
  content: text
"""
MANIFESTS = """
apiVersion: v1
kind: Secret
metadata: {name: password}
stringData: {password: canary-e7d1}
"""


def users(root: Path) -> dict[str, dict[str, Any]]:
    """Credentials of every kind, each with the canary in it."""
    (root / "tok").write_text(f"{CANARY}\n")
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "status": {"token": CANARY}}
    (root / "answer").write_text(json.dumps(answer))
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "cat",
        "args": [str(root / "answer")],
        "env": [{"name": "MINE", "value": CANARY}],
    }
    pair = base64.b64encode((root / "mine.pem").read_bytes()).decode()
    return {
        "file": {"tokenFile": "tok"},
        "plugin and key": {"exec": plugin, "client-certificate-data": pair, "client-key-data": pair, "as": "drill"},
    }


def secrets_of(root: Path) -> list[str]:
    """What must not be found: the canary, as it stands and as it travels, and a line of the key in both forms."""
    pem = (root / "mine.pem").read_bytes()
    key = pem[pem.index(b"PRIVATE KEY") :].splitlines()[1].decode()
    return [CANARY, base64.b64encode(CANARY.encode()).decode(), key, base64.b64encode(pem).decode()[-40:]]


@pytest.mark.parametrize("kind", ["file", "plugin and key"])
def test_whatever_the_credential(drill_project: DrillProject, kind: str) -> None:
    root = drill_project.root
    own = root / "own"
    own.mkdir()
    certificate(own / "mine.pem", "me")
    server = certificate(own / "server.pem", "server", address="127.0.0.1")
    with serving(server) as api:
        config = {
            "contexts": [{"name": "there", "context": {"cluster": "c", "user": "u"}}],
            "clusters": [{"name": "c", "cluster": {"server": api.url, "certificate-authority": "server.pem"}}],
            "users": [{"name": "u", "user": users(own)[kind]}],
        }
        (own / "config").write_text(yaml.safe_dump(config))
        drill_project.write("drills/test_pod_crash.py", DRILL)
        drill_project.write("shop/system.yaml", SYSTEM)
        drill_project.write("shop/manifests/all.yaml", MANIFESTS)
        for private in ("tmp", "home"):
            (root / private).mkdir()
        places = {"TMPDIR": str(root / "tmp"), "HOME": str(root / "home"), "KUBECONFIG": str(own / "config")}
        arguments = ["drills/test_pod_crash.py", "--system", "shop", "--kube-context", "there", "-vv", "--showlocals"]
        session = drill_project.pytest(*arguments, MUSTER_CANARY=CANARY, **places)
        told = [session.output]
        for command in ("undo", "verdict"):
            more = ["--system", "shop", "--kube-context", "there"] if command == "undo" else []
            done = subprocess.run(
                [Path(sys.executable).with_name("muster"), command, *more],
                cwd=root,
                env=drill_project.environment(**places),
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            told.append(done.stdout + done.stderr)
        asked = str(api.asked)
    assert "pod_crash" in session.output
    assert (root / "reports/latest/summary.json").exists()
    assert CANARY in asked, "the credential was not used at all"
    kept = [path for place in ("reports", "tmp", "home", ".muster") for path in (root / place).rglob("*")]
    for name in ("chaos.log", "prober-*.json"):
        assert any(path.match(name) for path in kept), f"nothing wrote {name}"
    files = {path.relative_to(root): path.read_text(errors="replace") for path in kept if path.is_file()}
    for secret in secrets_of(own):
        assert not [name for name, text in files.items() if secret in text or secret in str(name)]
        assert not [text for text in told if secret in text]


def test_a_private_directory_goes_with_a_process_that_is_killed() -> None:
    script = (
        "import sys; from muster.base.private import private_directory\n"
        "with private_directory() as private:\n"
        "    (private / 'kubeconfig').write_text('secret'); print(private, flush=True); sys.stdin.read()"
    )
    owner = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert owner.stdout is not None
    private = Path(owner.stdout.readline().strip())
    assert private.stat().st_mode & 0o077 == 0
    owner.send_signal(signal.SIGKILL)
    owner.communicate()
    assert wait_gone(owner.pid, within=10)
    wait_for(lambda: not private.exists(), within=20, every=0.05, reason=f"{private} to be removed")


def test_no_pipeline_keeps_what_is_a_kubeconfig() -> None:
    """A second bolt: whatever were to lie there by mistake, or by a run of an older version."""
    root, left_out = Path(__file__).resolve().parents[2], "reports/**/*kubeconfig*"
    steps = yaml.safe_load((root / ".github/workflows/hold.yml").read_text())["jobs"]["hold"]["steps"]
    uploads = [step["with"]["path"] for step in steps if "upload-artifact" in step.get("uses", "")]
    assert [path.split() for path in uploads] == [["reports/", f"!{left_out}"]]
    artifacts = yaml.safe_load((root / "ci/gitlab-ci.yml").read_text())[".hold"]["artifacts"]
    assert artifacts["exclude"] == [left_out]
