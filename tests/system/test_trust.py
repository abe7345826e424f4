"""Where the service is, and whose certificates are believed, may be what the environment says."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest
import yaml

from muster.base.errors import UsageError
from muster.kube import Cluster
from muster.load.connection import Connections
from muster.load.destination import Destination
from muster.plugin.declare import _check_addresses
from muster.probes.http.address import service_url
from muster.probes.http.exchange import Exchange
from muster.probes.http.outcomes import Outcome
from muster.system import SystemDefinition, read_system
from muster.system.requests import Request
from muster.system.trust import CA_VARIABLE, authority, trust

SYSTEM = """\
schema: muster/system/v1
name: shop
namespace: shop
manifests: nothing
service: {name: web, port: 443, url: {env: SHOP_URL}, ca: {env: SHOP_CA}}
read: {request: {path: /}}
"""


class Elsewhere:
    """A cluster that is not muster's own; nothing is asked of it."""

    embedded = False


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SystemDefinition:
    monkeypatch.setenv(CA_VARIABLE, "")
    (tmp_path / "nothing").mkdir()
    (tmp_path / "system.yaml").write_text(SYSTEM)
    return read_system(tmp_path)


@pytest.fixture
def served(cluster: Cluster, tmp_path: Path) -> tuple[str, Path]:
    """The address of a server with a certificate of its own making, and the file by which that is believed."""
    ((entry,),) = [[one["cluster"]] for one in yaml.safe_load(cluster.kubeconfig.read_text())["clusters"]]
    file = tmp_path / "ca.pem"
    file.write_bytes(base64.b64decode(entry["certificate-authority-data"]))
    return entry["server"], file


def ask(url: str) -> Outcome:
    async def once() -> Outcome:
        async with Exchange(url) as exchange:
            return (await exchange.send(Request(path="/version"), kept=False, limit_s=10.0)).outcome

    return asyncio.run(once())


def test_the_address_is_what_the_environment_holds(system: SystemDefinition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_URL", " https://shop.example:8443/ ")
    assert service_url(Elsewhere(), system) == "https://shop.example:8443"  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("held", "said"),
    [
        (None, "^service.url is to be what environment variable SHOP_URL holds, which is not set$"),
        ("https://sam:s3cret@shop.example", "environment variable SHOP_URL holds no address such as https://shop.exam"),
        ("s3cret", "environment variable SHOP_URL holds no address"),
    ],
)
def test_an_address_that_cannot_be_had_is_told_and_not_quoted(
    system: SystemDefinition, monkeypatch: pytest.MonkeyPatch, held: str | None, said: str
) -> None:
    if held is None:
        monkeypatch.delenv("SHOP_URL", raising=False)
    else:
        monkeypatch.setenv("SHOP_URL", held)
    with pytest.raises(UsageError, match=said) as error:
        service_url(Elsewhere(), system)  # type: ignore[arg-type]
    assert "s3cret" not in str(error.value)


def test_a_certificate_is_believed_by_prober_and_load_once_its_authority_is_named(
    system: SystemDefinition, served: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, file = served
    assert ask(url) is Outcome.UNREACHABLE
    monkeypatch.setenv("SHOP_CA", str(file))
    trust(system)
    assert ask(url) is Outcome.OK
    connections = Connections(Destination.of(url), limit_s=10.0, renew_after=1)
    assert connections.request("GET", "/version", None, {}).status == 200
    connections.close()


def test_a_file_without_certificates_is_told(system: SystemDefinition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_CA", raising=False)
    with pytest.raises(UsageError, match=r"service.ca is to be what environment variable SHOP_CA holds, which is not"):
        authority(system)
    monkeypatch.setenv("SHOP_CA", "gone.pem")
    with pytest.raises(UsageError, match=r"service.ca: .*gone.pem cannot be used: No such file"):
        authority(system)
    (system.directory / "empty.pem").write_text("nothing")
    monkeypatch.setenv("SHOP_CA", "empty.pem")
    with pytest.raises(UsageError, match=r"empty.pem cannot be used: it holds no certificates"):
        trust(system)


def test_it_is_looked_at_before_anything_is_struck(system: SystemDefinition, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_URL", raising=False)
    monkeypatch.delenv("SHOP_CA", raising=False)
    with pytest.raises(UsageError, match=r"^service\.url is to be what environment variable SHOP_URL holds"):
        _check_addresses(system)
    monkeypatch.setenv("SHOP_URL", "https://shop.example")
    with pytest.raises(UsageError, match=r"^service\.ca is to be what environment variable SHOP_CA holds"):
        _check_addresses(system)


def test_what_is_neither_an_address_nor_a_variable_is_told(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    for wrong, said in (
        ("{env: 7}", "'service.url"),
        ("{variable: X}", "variable"),
        ("ftp://x", "right would be what stands before the paths"),
    ):
        (tmp_path / "system.yaml").write_text(SYSTEM.replace("{env: SHOP_URL}", wrong))
        with pytest.raises(UsageError, match=said):
            read_system(tmp_path)
