"""Names for versions of a template."""

from __future__ import annotations

import copy
import zlib

import orjson

from muster.embedded.admission.names import ALPHABET
from muster.embedded.objects import Object

TEMPLATE_HASH = "pod-template-hash"


def template_hash(template: Object, collisions: int = 0) -> str:
    """Ten letters that are the same for the same template, in the alphabet of generated names."""
    text = orjson.dumps([template, collisions], option=orjson.OPT_SORT_KEYS)
    digits = f"{zlib.crc32(text):010d}"
    return "".join(ALPHABET[ord(digit) % len(ALPHABET)] for digit in digits)


def without_hash(template: Object) -> Object:
    """A ReplicaSet's template as its Deployment has it."""
    labels = (template.get("metadata") or {}).get("labels") or {}
    if TEMPLATE_HASH not in labels:
        return template
    result = copy.deepcopy(template)
    del result["metadata"]["labels"][TEMPLATE_HASH]
    return result
