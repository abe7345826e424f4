"""Starting a real embedded cluster, and a client of its API."""

from __future__ import annotations

import base64
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import yaml


class Running:
    """An embedded cluster that runs, and a client of its API."""

    def __init__(self, process: subprocess.Popen[str], kubeconfig: Path) -> None:
        self.process = process
        self.kubeconfig = kubeconfig
        config = yaml.safe_load(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self.url = cluster["server"]
        self.token = config["users"][0]["user"]["token"]
        authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
        self.trust = ssl.create_default_context(cadata=authority)
        self.client = httpx.Client(
            base_url=self.url,
            verify=self.trust,
            headers={"Authorization": f"Bearer {self.token}"},
            trust_env=False,
            timeout=20,
        )

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        """The status and the decoded answer of one request."""
        response = self.client.request(method, path, json=body, params=query or None)
        return response.status_code, response.json()

    def patch(self, path: str, body: Any, kind: str = "merge", **query: Any) -> tuple[int, Any]:
        """The answer to a patch of a kind: merge, json, strategic-merge."""
        headers = {"Content-Type": f"application/{kind}-patch+json"}
        response = self.client.patch(path, json=body, params=query or None, headers=headers)
        return response.status_code, response.json()

    def kubectl(self, *arguments: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        """A run of kubectl against this cluster."""
        command = ["kubectl", "--kubeconfig", str(self.kubeconfig), *arguments]
        return subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=60, check=False)


@contextmanager
def running_cluster(state: Path, run_id: str, *options: str) -> Iterator[Running]:
    """Start a cluster, and end it however the test went."""
    command = [sys.executable, "-m", "muster.embedded", "--state", str(state), "--run-id", run_id, *options]
    with (state.parent / f"{state.name}.err").open("w+") as errors:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True, start_new_session=True)
        try:
            assert process.stdout is not None
            ready = process.stdout.readline()
            assert ready.startswith("ready "), f"the cluster did not start: {errors.read() or ready}"
            cluster = Running(process, state / "kubeconfig")
            with cluster.client:
                yield cluster
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
