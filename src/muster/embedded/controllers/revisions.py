"""ControllerRevisions: the templates that a StatefulSet has had, so that its pods can be of two versions at once."""

from __future__ import annotations

from muster.embedded.controllers.hashes import template_hash
from muster.embedded.objects import Object, is_owned_by, owner_reference
from muster.embedded.resources import CONTROLLERREVISIONS
from muster.embedded.store import Store


class Revisions:
    """The revisions of one StatefulSet."""

    def __init__(self, store: Store, owner: Object) -> None:
        self._store = store
        self._owner = owner

    def _all(self) -> list[Object]:
        """Oldest first."""
        meta = self._owner["metadata"]
        found = self._store.objects(CONTROLLERREVISIONS, meta["namespace"], lambda obj: is_owned_by(obj, meta["uid"]))
        return sorted(found, key=lambda revision: int(revision["revision"]))

    def current(self) -> str:
        """The name of the revision of the present template, made or made the newest if need be."""
        revisions = self._all()
        template = self._owner["spec"]["template"]
        newest = revisions[-1]["revision"] if revisions else 0
        for revision in revisions:
            if revision["data"]["spec"]["template"] == template:
                if revision["revision"] != newest:
                    revision["revision"] = newest + 1
                    self._store.update(CONTROLLERREVISIONS, revision)
                return str(revision["metadata"]["name"])
        return self._create(template, newest + 1)

    def _create(self, template: Object, number: int) -> str:
        meta = self._owner["metadata"]
        name = f"{meta['name']}-{template_hash(template)}"
        labels = {
            **(template["metadata"].get("labels") or {}),
            "controller.kubernetes.io/hash": template_hash(template),
        }
        revision = {
            "metadata": {
                "name": name,
                "namespace": meta["namespace"],
                "labels": labels,
                "ownerReferences": [owner_reference(self._owner)],
            },
            "data": {"spec": {"template": template}},
            "revision": number,
        }
        self._store.create(CONTROLLERREVISIONS, revision)
        return name

    def template(self, name: str) -> Object:
        """The template of a revision; the present one where that revision is gone."""
        found = self._store.find(CONTROLLERREVISIONS, self._owner["metadata"]["namespace"], name)
        template: Object = found["data"]["spec"]["template"] if found else self._owner["spec"]["template"]
        return template

    def forget(self, used: set[str], limit: int) -> None:
        """Delete the oldest revisions that nothing uses, beyond `limit`."""
        unused = [r for r in self._all() if r["metadata"]["name"] not in used]
        for revision in unused[: max(len(unused) - limit, 0)]:
            meta = revision["metadata"]
            self._store.delete(CONTROLLERREVISIONS, meta["namespace"], meta["name"])
