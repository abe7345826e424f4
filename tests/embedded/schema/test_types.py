"""The fields of types: their numbers in protobuf, and what Go says of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from muster.base.errors import UsageError
from muster.embedded.schema import Field, types
from muster.embedded.schema.generate import generate
from muster.embedded.schema.go_types import GoProgram


@pytest.mark.parametrize(
    ("kind", "field", "found"),
    [
        ("ObjectMeta", "labels", Field("{str}", (11,), pointer=False, kept=False)),
        ("PodSpec", "terminationGracePeriodSeconds", Field("int64", (4,), pointer=True, kept=False)),
        ("Volume", "emptyDir", Field("EmptyDirVolumeSource", (2, 2), pointer=True, kept=False)),
        ("ContainerStatus", "ready", Field("bool", (4,), pointer=False, kept=True)),
        ("ServicePort", "targetPort", Field("intstr", (4,), pointer=False, kept=False)),
        ("Deployment", "kind", Field("str", (), pointer=False, kept=False)),
    ],
)
def test_fields_are_known_with_their_numbers(kind: str, field: str, found: Field) -> None:
    assert types()[kind][field] == found


def test_every_type_that_a_field_names_is_there() -> None:
    named = {field.shape.strip("[]{}") for fields in types().values() for field in fields.values()}
    assert {name for name in named if name[0].isupper()} <= set(types())


def test_no_two_fields_of_a_type_have_the_same_number() -> None:
    for kind, fields in types().items():
        numbers = [field.numbers for field in fields.values() if field.numbers]
        assert len(numbers) == len(set(numbers)), kind


@pytest.mark.skipif(shutil.which("kubectl") is None, reason="kubectl is not installed")
def test_the_types_can_be_read_from_a_kubectl() -> None:
    program = Path(shutil.which("kubectl") or "").resolve()
    try:
        found = GoProgram(program)
    except UsageError as error:
        pytest.skip(f"this kubectl is built otherwise: {error}")
    structs = {(struct.package, struct.name): struct for struct in found.structs()}
    fields = {field.name: field for field in structs["k8s.io/api/core/v1", "Volume"].fields}
    assert 'protobuf:"bytes,2,opt,name=volumeSource"' in fields["VolumeSource"].tag
    assert fields["VolumeSource"].embedded
    assert (fields["Name"].type.kind, fields["Name"].embedded) == ("string", False)


def test_what_is_no_program_is_refused(tmp_path: Path) -> None:
    for content, why in ((b"#!/bin/sh\n", "no 64-bit program"), (b"\x7fELF\x02\x01" + bytes(500), "no Go program")):
        (tmp_path / "kubectl").write_bytes(content)
        with pytest.raises(UsageError, match=why):
            generate(GoProgram(tmp_path / "kubectl"))
