"""A malformed system.yaml is explained with its key and line."""

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muster.base.errors import MusterError, UsageError
from muster.system import LedgerSpec, PythonLedgerSpec, SystemDefinition, find_system, read_system
from muster.system.headers import resolved, to_environment

GOOD = """\
schema: muster/system/v1
name: shop
namespace: shop
service: {name: web, port: 8080}
read:
  request: {path: /items}
ledger:
  create: {method: POST, path: /items, body: {id: "{id}", text: "{content}"}, status: [201]}
  read: {path: "/items/{id}"}
  content: text
database:
  service: db
  instances: [db-a, db-b]
  topology: db-topology
"""


def _written(tmp_path: Path, text: str) -> Path:
    (tmp_path / "manifests").mkdir(exist_ok=True)
    path = tmp_path / "system.yaml"
    path.write_text(text)
    return path


def test_a_sound_definition_is_read(tmp_path: Path) -> None:
    system = read_system(_written(tmp_path, GOOD))
    assert (system.name, system.service.port, system.directory) == ("shop", 8080, tmp_path)
    assert system.database is not None
    assert system.database.instances == ["db-a", "db-b"]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("port: 8080", "port: web", r"system.yaml, line 4: 'service.port' is wrong: .*not 'web'"),
        ("  content: text\n", "", r"line 7: 'ledger.content' is missing"),
        (
            "name: shop\n",
            "name: shop\ncolour: red\n",
            r"line 3: 'colour' is not a key that is known here \(there are: alerting, backup, checks, database, ",
        ),
        ("path: /items}\nledger", "path: items}\nledger", r"line 6: 'read.request.path' is wrong"),
        ("schema: muster/system/v1", "schema: v0", r"line 1: 'schema' is wrong"),
        ("[db-a, db-b]", "[db-a, DB]", r"line 13: 'database.instances.1' is wrong"),
        ("name: shop", "name: [shop", r"line \d+: not YAML"),
        ("namespace: shop", "manifests: elsewhere\nnamespace: shop", r"line 3: 'manifests': there is no directory"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(UsageError, match=message):
        read_system(_written(tmp_path, GOOD.replace(old, new)))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"system.yaml cannot be read: No such file"):
        read_system(tmp_path)


def test_the_only_system_of_a_project_is_found_and_two_are_a_choice(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name one with --system"):
        find_system(tmp_path)
    for name in ("shop", "till"):
        (tmp_path / "systems" / name).mkdir(parents=True)
        (tmp_path / "systems" / name / "system.yaml").write_text(GOOD)
        if name == "shop":
            assert find_system(tmp_path) == tmp_path / "systems/shop/system.yaml"
    with pytest.raises(UsageError, match=r"more than one .*systems/shop/system.yaml, systems/till/system.yaml"):
        find_system(tmp_path)


@pytest.mark.parametrize(
    ("probe", "wrong"),
    [
        ("{name: read, request: {path: /}, expect: {a: 1}}", "a further probe cannot be called 'read'"),
        ("{name: agents, request: {path: /}, expect: {}}", "it expects nothing, so that any answer would do"),
        ("{name: agents, request: {path: /}}", "it expects nothing, so that any answer would do"),
        ('{name: agents, request: {path: /}, check: {a: {matches: "("}}}', r"'\(' is no regular expression"),
        ("{name: agents, request: {path: /}, check: {a: {least: 1}}}", "is not a key that is known here"),
        ("{name: agents, request: {path: /}, check: {a: {one_of: []}}}", "at least 1 item"),
    ],
)
def test_a_further_probe_expects_something_and_has_a_name_of_its_own(tmp_path: Path, probe: str, wrong: str) -> None:
    with pytest.raises(UsageError, match=wrong):
        read_system(_written(tmp_path, f"{GOOD}probes:\n  - {probe}\n"))


def test_a_probe_that_there_is_not_is_named_with_those_that_there_are(tmp_path: Path) -> None:
    probe = "{name: agents, request: {path: /status}, expect: {degraded: false}}"
    system = read_system(_written(tmp_path, f"{GOOD}probes:\n  - {probe}\n"))
    assert system.further_probe("agents").expect == {"degraded": False}
    with pytest.raises(
        UsageError, match=r"probe 'queue' is not in the system.yaml of shop \(there are: read, write, agents"
    ):
        system.further_probe("queue")


LEDGER = GOOD[GOOD.index("ledger:") : GOOD.index("database:")]
LIST = "{request: {path: /items}, items: items"


@pytest.mark.parametrize(
    ("ledger", "wrong"),
    [
        ('text: "{content}"}|text: fixed}', "'ledger' is wrong: 'create' must hold {id}, by which a person finds"),
        ("/items/{id}|/items/{key}", "'ledger' is wrong: 'read' holds {key}, but 'key' does not say where that stands"),
        ("  content: text|  content: text\n  delete: {path: /items}", "'delete' must hold {id} or {key}"),
        ("  content: text|  content: text\n  list: {request: {path: /items}}", "'ledger.list.items' is missing"),
        (
            f"  content: text|  content: text\n  list: {LIST}, following: {{path: /next}}}}",
            "'following' is for the pages after the first",
        ),
        (
            f"  content: text|  content: text\n  list: {LIST}, page: 2}}",
            "'ledger.list.page' is not a key that is known",
        ),
        ("path: /items, body|path: '/items/{ident}', body", "'create' holds {ident}, and only {id} and {content} is"),
        ("method: POST, path: /items|method: GET, path: /items", "'create' must change something, and GET does not"),
        ("method: POST, path: /items|path: /items", "'create' must change something, and GET does not"),
        ('text: "{content}"}|text: "{content}", at: ["{prefix}"]}', "'create' holds {prefix}, and only {id} and"),
        ("/items/{id}|/items/{id}?at={next}", "'read' holds {next}, and only {id} and {key} is filled in there"),
        ("/items/{id}|/items", "'read' must hold {id} or {key}: it looks for one write"),
        (
            "read: {path|read: {method: DELETE, path",
            "'read' must not change anything: its method is one of GET and POST",
        ),
        ("[201]|[20]", "'ledger.create.status.0' is wrong: input should be greater than or equal to 200, not 20"),
        ("[201]|[]", "'ledger.create.status' is wrong"),
        ("  content: text|  content: a..b", "'ledger.content' is wrong"),
        ("  content: text|  content: ''", "'ledger.content' is wrong"),
        (
            "  content: text|  content: text\n  delete: {method: GET, path: '/items/{id}'}",
            "'delete' must change something, and GET does not",
        ),
        (
            "  content: text|  content: text\n  list: {request: {path: '/{id}'}, items: items}",
            "'request' holds {id}, and only {prefix} is filled in there",
        ),
    ],
)
def test_a_ledger_that_cannot_work_is_refused(tmp_path: Path, ledger: str, wrong: str) -> None:
    old, new = ledger.split("|", 1)
    assert old in LEDGER
    with pytest.raises(UsageError, match=f"line (7|8|9|10|11): .*{re.escape(wrong)}"):
        read_system(_written(tmp_path, GOOD.replace(LEDGER, LEDGER.replace(old, new))))


@pytest.mark.parametrize(
    ("ledger", "wrong"),
    [
        (
            "{python: shop.Orders}",
            "'ledger.python' is wrong: it must look like package.module:Class, not 'shop.Orders'",
        ),
        ("{python: 'shop:Orders', read: {path: /}}", "'ledger.read' is not a key that is known here"),
        ("nothing", "'ledger' is wrong: input should be"),
    ],
)
def test_a_ledger_of_python_is_refused_where_it_cannot_work(tmp_path: Path, ledger: str, wrong: str) -> None:
    with pytest.raises(UsageError, match=f"line 7: {re.escape(wrong)}"):
        read_system(_written(tmp_path, GOOD.replace(LEDGER, f"ledger: {ledger}\n")))


def test_a_body_may_hold_what_looks_like_a_place(tmp_path: Path) -> None:
    query = """{query: "{ items { name } {when} }", id: "{id}", text: "{content}"}"""
    ledger = LEDGER.replace('{id: "{id}", text: "{content}"}', query)
    assert ledger != LEDGER
    assert isinstance(read_system(_written(tmp_path, GOOD.replace(LEDGER, ledger))).ledger, LedgerSpec)


@pytest.mark.parametrize(
    ("more", "wrong"),
    [
        ("prober: {edge_every_s: 2}", "line 15: 'prober.edge_every_s' of 2 quickens no probe"),
        ("prober: {edge_every_s: .inf}", "line 15: 'prober.edge_every_s' is wrong"),
        ("operations: {status: {path: '/{id}'}}", "'status' holds {id}, and nothing is filled in there"),
        ("operations: {status: {path: /, method: PUT}}", "'status' must not change anything"),
        (
            "operations: {workflows: {workers: w, stuck: {path: /}, items: all, resume: {path: /, method: POST}}}",
            "'resume' must hold {id}",
        ),
        ("operations: {agents: {workers: w, whole: {a: 1}, release: {path: /}}}", "'release' must change something"),
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path: Path, more: str, wrong: str) -> None:
    with pytest.raises(UsageError, match=re.escape(wrong)):
        read_system(_written(tmp_path, f"{GOOD}{more}\n"))


@pytest.mark.parametrize(
    ("url", "wrong"),
    [
        ("shop.example", "right would be what stands before the paths"),
        ("ftp://shop.example", "right would be what stands before the paths"),
        ("https://", "right would be what stands before the paths"),
        ("https://shop.example/?q=1", "right would be what stands before the paths"),
        ("https://shop.example:none", "'service.url' is wrong: Port could not be cast"),
        ("https://me:s3cret@shop.example", "a secret does not belong into an address"),
    ],
)
def test_an_address_that_is_none_is_refused(tmp_path: Path, url: str, wrong: str) -> None:
    text = re.sub(r"^service: \{", f"service: {{url: '{url}', ", GOOD, flags=re.MULTILINE)
    assert url in text
    with pytest.raises(UsageError, match=re.escape(wrong)) as refused:
        read_system(_written(tmp_path, text))
    assert "s3cret" not in str(refused.value)


def test_either_kind_of_ledger_is_read(tmp_path: Path) -> None:
    full = LEDGER + f"  key: number\n  delete: {{path: '/items/{{key}}'}}\n  list: {LIST}, next: next}}\n"
    http = read_system(_written(tmp_path, GOOD.replace(LEDGER, full))).ledger
    assert isinstance(http, LedgerSpec)
    assert http.delete is not None
    assert (http.delete.method, http.delete.status) == ("DELETE", [200, 202, 204])
    own = "ledger: {python: 'shop.orders:Table', options: {database: shop}}\n"
    python = read_system(_written(tmp_path, GOOD.replace(LEDGER, own))).ledger
    assert isinstance(python, PythonLedgerSpec)
    assert (python.python, python.options) == ("shop.orders:Table", {"database": "shop"})


def test_probes_that_alone_ask_too_much_are_refused(tmp_path: Path) -> None:
    """Reads 20/s and writes 25/s, which count as two."""
    limits = "prober:\n  edge_every_s: 0.01\n  max_requests_per_s: {}\n"
    system = read_system(_written(tmp_path, GOOD + limits.format(70)))
    assert (system.base_requests_per_s, system.prober.max_requests_per_s) == (pytest.approx(70), 70)
    with pytest.raises(UsageError, match=r"line 17: the probes ask 70 requests/s together .* of 69: make 'every_s'"):
        read_system(_written(tmp_path, GOOD + limits.format(69)))
    for endless in (limits.format(".inf"), "max_requests_per_s: .inf\n"):
        with pytest.raises(UsageError, match=r"max_requests_per_s' is wrong: input should be a finite number"):
            read_system(_written(tmp_path, GOOD + endless))
    further = "probes:\n  - {name: more, request: {path: /}, expect: {a: 1}, every_s: 0.007}\n"
    with pytest.raises(UsageError, match=r"the probes ask 212.9 requests/s together .* of 200"):
        read_system(_written(tmp_path, GOOD + further))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "service: {",
            "servce: {",
            r"line 4: 'servce' is not a key that is known here; did you mean 'service'\?",
        ),
        ("{path: /items}\n", "{pth: /items}\n", r"line 6: 'read.request.pth' .*; did you mean 'path'\?"),
        ("  content: text", "  contents: text", r"line 10: 'ledger.contents' .*; did you mean 'content'\?"),
        ("  topology", "  toplogy", r"line 14: 'database.toplogy' .*; did you mean 'topology'\?"),
        ("name: shop", "name: shop\nname: stop", r"line 3: 'name' stands here for the second time"),
    ],
)
def test_a_typo_is_told_with_the_word_that_was_meant(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(UsageError, match=message):
        read_system(_written(tmp_path, GOOD.replace(old, new, 1)))


@pytest.mark.parametrize("ledger", ["", "ledger: none\n", "ledger:\n"])
def test_a_service_that_is_only_read_needs_no_ledger(tmp_path: Path, ledger: str) -> None:
    system = read_system(_written(tmp_path, GOOD.replace(LEDGER, ledger)))
    assert system.ledger is None
    assert system.base_requests_per_s == pytest.approx(20)
    with pytest.raises(UsageError, match=r"'shop' declares no 'ledger' .* no RPO is judged"):
        system.require_ledger()


HEADERS = "headers: {X-Tenant: shop, Authorization: {env: SHOP_TOKEN, prefix: 'Bearer '}}\n"


def test_every_request_has_the_headers_of_the_system_and_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = "operations: {status: {path: /status, headers: {X-Tenant: all}}}\n"
    more += "probes: [{name: more, request: {path: /}, expect: {a: 1}}]\n"
    system = read_system(_written(tmp_path, GOOD + HEADERS + more))
    monkeypatch.setenv("SHOP_TOKEN", "s3cret\n")
    told = {"X-Tenant": "shop", "Authorization": "Bearer s3cret"}
    assert isinstance(system.ledger, LedgerSpec)
    assert system.operations.status is not None
    for request in (system.read.request, system.ledger.create, system.ledger.read, system.probes[0].request):
        assert resolved(request.headers) == told
    assert resolved(system.operations.status.headers) == {**told, "X-Tenant": "all"}
    for text in (repr(system), system.model_dump_json(), to_environment(system.headers)):
        assert "s3cret" not in text


def test_what_an_environment_does_not_hold_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = read_system(_written(tmp_path, GOOD + HEADERS))
    monkeypatch.delenv("SHOP_TOKEN", raising=False)
    with pytest.raises(UsageError, match=r"header 'Authorization' .* variable SHOP_TOKEN holds, which is not set"):
        resolved(system.headers)
    monkeypatch.setenv("SHOP_TOKEN", "canary\r\nX-Other: 1")
    with pytest.raises(UsageError, match="SHOP_TOKEN holds what no header may") as refused:
        resolved(system.headers)
    assert "canary" not in str(refused.value)


@pytest.mark.parametrize(
    ("headers", "wrong"),
    [
        ("{Authorization: Bearer canary}", "a secret does not belong here: right would be Authorization: {env: NAME"),
        ("{x-api-key: canary}", "a secret does not belong here"),
        ("{Cookie: canary}", "a secret does not belong here"),
        ("{Host: canary}", "'Host' is set by muster itself"),
        ("{X-A: [canary]}", "right would be a text, or {env: NAME}"),
        ("{X-A: 7}", "right would be a text, or {env: NAME}"),
        ("{X-A: {env: canary, prefix: [canary]}}", "'headers.X-A.prefix' is wrong"),
        ("{X-A: {evn: A}}", "'headers.X-A.evn' is not a key that is known here; did you mean 'env'?"),
        ('{X-A: "canary\\n"}', "what 'X-A' is to hold is empty or no text that a header may hold"),
        ("{X-A: a, x-a: b}", "it names a header twice"),
        ("{'X A': a}", "'headers.X A.[key]' is wrong"),
    ],
)
def test_headers_that_cannot_be_sent_are_refused_and_no_secret_is_quoted(
    tmp_path: Path, headers: str, wrong: str
) -> None:
    with pytest.raises(UsageError, match=re.escape(wrong)) as refused:
        read_system(_written(tmp_path, f"{GOOD}headers: {headers}\n"))
    assert "canary" not in str(refused.value)


def test_a_value_of_an_images_environment_is_not_quoted(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"line 15: 'images\.web\.env\.PASSWORD' is wrong") as refused:
        read_system(_written(tmp_path, f"{GOOD}images: {{web: {{env: {{PASSWORD: 4711}}}}}}\n"))
    assert "4711" not in str(refused.value)


ANY = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["none", "/", "a.b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    changes=st.dictionaries(st.sampled_from(sorted(SystemDefinition.model_fields)), ANY, max_size=3)
    | st.binary(max_size=40)
)
def test_whatever_the_file_holds_it_is_a_system_or_one_sentence(tmp_path: Path, changes: object) -> None:
    path = _written(tmp_path, GOOD)
    content = {**yaml.safe_load(GOOD), **changes} if isinstance(changes, dict) else changes
    path.write_bytes(content if isinstance(content, bytes) else yaml.safe_dump(content).encode())
    try:
        assert read_system(path).name
    except MusterError as error:
        assert "\n" not in str(error)
