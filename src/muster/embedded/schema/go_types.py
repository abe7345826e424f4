"""The types that a Go program holds for its own reflection: packages, fields, tags.

Read from a program for Linux of 64 bits that was linked to a fixed address, as kubectl is. The layout is that of
Go's `internal/abi`: `Type`, `StructType`, `PtrType`, `SliceType`, `MapType`, `Name`.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from muster.base.errors import UsageError

_KINDS = {
    1: "bool", 2: "int", 5: "int32", 6: "int64", 8: "uint8", 13: "float32", 14: "float64",
    21: "map", 22: "pointer", 23: "slice", 24: "string", 25: "struct",
}  # fmt: skip
_HEADER = 48  # bytes of abi.Type, which every type begins with
_STRUCT, _FIELD = 80, 24  # bytes of abi.StructType and abi.StructField
_NAMED, _UNCOMMON, _EXTRA_STAR = 4, 1, 2  # abi.TFlag
_TAGGED, _EMBEDDED = 2, 8  # first byte of abi.Name
_TYPES_IN_MODULE = range(0, 512, 8)


@dataclass(frozen=True, slots=True)
class GoField:
    """A field of a struct, with its tags as they stand in the source."""

    name: str
    type: GoType
    tag: str
    embedded: bool


class GoProgram:
    """A program as it lies on disk. Raises `UsageError` where it is none whose types can be read."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        if self._data[:6] != b"\x7fELF\x02\x01":
            raise UsageError(f"{path} is no 64-bit program for Linux")
        self._sections = dict(self._read_sections())
        if not {".typelink", ".rodata", ".go.module"} <= set(self._sections):
            raise UsageError(f"{path} is no Go program linked to a fixed address")
        self._base = self._find_types()

    def structs(self) -> Iterator[GoType]:
        """Every named struct to which there is a pointer somewhere."""
        _, offset, size = self._sections[".typelink"]
        for (link,) in struct.iter_unpack("<i", self._data[offset : offset + size]):
            found = GoType(self, self._base + link)
            if found.kind == "pointer" and found.element.kind == "struct" and found.element.package:
                yield found.element

    def number(self, address: int, form: str) -> int:
        """A number at an address, in a form of `struct`."""
        return int(struct.unpack_from(f"<{form}", self._data, self._offset(address))[0])

    def name_at(self, offset: int) -> str:
        """The name at an offset into the types."""
        return self.name(self._base + offset)[0]

    def name(self, address: int) -> tuple[str, str, int]:
        """A name, its tag, and the flags in front."""
        flags = self.number(address, "B")
        name, after = self._text(address + 1)
        return name, self._text(after)[0] if flags & _TAGGED else "", flags

    def _text(self, address: int) -> tuple[str, int]:
        """A text with its length in front, and the address after it."""
        length = shift = 0
        while True:
            byte = self.number(address, "B")
            address += 1
            length |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
        begin = self._offset(address)
        return self._data[begin : begin + length].decode(), address + length

    def _offset(self, address: int) -> int:
        for begin, offset, size in self._sections.values():
            if begin <= address < begin + size:
                return offset + address - begin
        raise ValueError(f"no section holds address {address:#x}")

    def _read_sections(self) -> Iterator[tuple[str, tuple[int, int, int]]]:
        """Name, and (address, offset in the file, size) of each section that has an address."""
        (start,) = struct.unpack_from("<Q", self._data, 0x28)
        size, count, names = struct.unpack_from("<HHH", self._data, 0x3A)
        headers = [struct.unpack_from("<IIQQQQ", self._data, start + i * size) for i in range(count)]
        for name, kind, _, address, offset, length in headers:
            begin = headers[names][4] + name
            if address and kind == 1:  # PROGBITS: what has bytes in the file
                yield self._data[begin : self._data.index(0, begin)].decode(), (address, offset, length)

    def _find_types(self) -> int:
        """The address that offsets of types count from: the field of the module's record that makes sense of them."""
        module, _, _ = self._sections[".go.module"]
        rodata, _, size = self._sections[".rodata"]
        link = self.number(self._sections[".typelink"][0], "i")
        for at in _TYPES_IN_MODULE:
            base = self.number(module + at, "Q")
            if rodata <= base < rodata + size and self._is_type(base, base + link):
                return base
        raise UsageError("the record of the program's types was not found: another version of Go?")

    def _is_type(self, base: int, address: int) -> bool:
        try:
            name, _, _ = self.name(base + self.number(address + 40, "i"))
            return GoType(self, address).kind == "pointer" and name.startswith("*")
        except (ValueError, struct.error):
            return False


@dataclass(frozen=True)
class GoType:
    """One type."""

    program: GoProgram
    address: int

    @cached_property
    def kind(self) -> str:
        """`struct`, `pointer`, `string`, ..., or `other`."""
        return _KINDS.get(self.program.number(self.address + 23, "B") & 31, "other")

    @cached_property
    def name(self) -> str:
        """The name without its package; empty for a type that has none."""
        flags = self.program.number(self.address + 20, "B")
        text = self.program.name_at(self.program.number(self.address + 40, "i"))
        return text[bool(flags & _EXTRA_STAR) :].rpartition(".")[2] if flags & _NAMED else ""

    @cached_property
    def package(self) -> str:
        """The path of the package of a named struct; empty for everything else."""
        if self.kind != "struct" or not self.program.number(self.address + 20, "B") & _UNCOMMON:
            return ""
        offset = self.program.number(self.address + _STRUCT, "i")
        return self.program.name_at(offset) if offset else ""

    @cached_property
    def element(self) -> GoType:
        """What a pointer points to, a slice consists of, or a map holds."""
        return GoType(self.program, self.program.number(self.address + _HEADER + 8 * (self.kind == "map"), "Q"))

    @cached_property
    def fields(self) -> list[GoField]:
        """The fields of a struct, in order."""
        begin = self.program.number(self.address + 56, "Q")
        count = self.program.number(self.address + 64, "Q")
        return [self._field(begin + i * _FIELD) for i in range(count)]

    def _field(self, address: int) -> GoField:
        name, tag, flags = self.program.name(self.program.number(address, "Q"))
        kind = GoType(self.program, self.program.number(address + 8, "Q"))
        return GoField(name, kind, tag, bool(flags & _EMBEDDED))
