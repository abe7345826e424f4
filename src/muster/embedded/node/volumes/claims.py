"""Where the content of PersistentVolumeClaims lies, and what becomes of it when a claim is deleted.

The directory has the claim's name, so that a claim of that name finds its content in a cluster that is started again.
It is moved out of the way in the moment in which the claim is gone: one that is made anew, be it at once, begins
empty, as a volume that is provisioned for it does, and nobody removes a directory that is already somebody else's.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import uuid
from collections.abc import Iterable
from pathlib import Path

from muster.embedded.objects import Key

log = logging.getLogger(__name__)


def directory(state: Path, claim: Key) -> Path:
    """Where a claim's content lies; `state` is the cluster's directory."""
    return state / "volumes" / claim.namespace / claim.name


def retired(state: Path) -> Path:
    """Where the contents lie whose claims are gone."""
    return state / "retired"


def retire(state: Path, claim: Key) -> Path | None:
    """Move a claim's content out of the way; where it lies now, None if there is none. Programs that have it open or
    mounted keep it.
    """
    target = retired(state) / uuid.uuid4().hex
    try:
        target.parent.mkdir(exist_ok=True)
        return directory(state, claim).rename(target)
    except FileNotFoundError:
        return None  # no pod has ever used the claim
    except OSError as error:
        log.warning("the content of claim %s/%s stays: %s", claim.namespace, claim.name, error)
        return None


async def remove_after(content: Path, users: Iterable[asyncio.Event]) -> None:
    """Remove what was retired once all `users`, events that say that a pod is gone, are set."""
    for gone in users:
        await gone.wait()
    await asyncio.to_thread(shutil.rmtree, content, True)
