"""The channels that the environment has addresses of: MUSTER_NOTICES_<NAME>."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from muster.notices.channels.apprised import Apprised, kind_of
from muster.notices.channels.channel import Channel
from muster.notices.channels.pagerduty import SCHEMES, PagerDuty

PREFIX = "MUSTER_NOTICES_"
_VARIABLE = re.compile(rf"{PREFIX}(?P<name>[A-Z0-9]+(?:_[A-Z0-9]+)*)")


def variable_of(name: str) -> str:
    """The variable that holds a channel's address."""
    return PREFIX + name.upper().replace("-", "_")


def channels_of_environment(environment: Mapping[str, str] | None = None) -> dict[str, Channel]:
    """The channels by name. Whether an address is one shows when it is used: a wrong one keeps no other from work."""
    found: dict[str, Channel] = {}
    for variable, value in sorted((os.environ if environment is None else environment).items()):
        said = _VARIABLE.fullmatch(variable)
        if said is None or not (address := value.strip()):
            continue
        name = said["name"].lower().replace("_", "-")
        found[name] = PagerDuty(name, address) if kind_of(address) in SCHEMES else Apprised(name, address)
    return found
