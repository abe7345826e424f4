"""Questions that are answered and stored nowhere: may I, what may I, may they, who am I, whose token is this."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from muster.embedded import resources as r
from muster.embedded.access.attributes import Attributes
from muster.embedded.access.authentication import Authenticator
from muster.embedded.access.authorizer import Authorizer
from muster.embedded.access.users import User
from muster.embedded.admission.names import bad_value
from muster.embedded.api.forms.answers import answer, negotiate
from muster.embedded.api.forms.bodies import content_type, parse
from muster.embedded.objects import Object, timestamp
from muster.embedded.resources import REVIEWS, Resource
from muster.embedded.schema.decode import Decoder
from muster.embedded.status import StatusError, bad_request, invalid, method_not_allowed, unknown_path

_PATH = re.compile(r"/apis/([^/]+)/v1/(?:namespaces/([^/]+)/)?([^/]+)/?")
_BY_NAME = {(review.group, review.plural): review for review in REVIEWS}
_ATTRIBUTES = ("verb", "group", "version", "resource", "subresource", "namespace", "name")
_ONE_OF = "exactly one of nonResourceAttributes or resourceAttributes must be specified"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, by whom, in which namespace, and the kinds of it."""

    review: Resource
    user: User
    namespace: str
    spec: Object

    def refusal(self, field: str, value: object, why: str) -> StatusError:
        """422 for what is wrong with the question."""
        return invalid(self.review, "", [bad_value(field, value, why)])


def find(path: str) -> tuple[Resource, str] | None:
    """The review that a path means and its namespace; None for other paths. Raises `StatusError` 404."""
    found = _PATH.fullmatch(path)
    review = _BY_NAME.get((found[1], found[3])) if found else None
    if found is None or review is None:
        return None
    if review.namespaced != bool(found[2]):
        raise unknown_path()
    return review, found[2] or ""


class Reviews:
    """Answers reviews."""

    def __init__(self, authenticator: Authenticator, authorizer: Authorizer) -> None:
        self._authenticator = authenticator
        self._authorizer = authorizer
        self._answers: dict[Resource, Callable[[Question], Object]] = {
            r.ACCESS_REVIEWS: self._of_subject,
            r.LOCAL_ACCESS_REVIEWS: self._of_subject,
            r.OWN_ACCESS_REVIEWS: lambda asked: self._decided(asked, asked.user),
            r.OWN_RULES_REVIEWS: self._own_rules,
            r.OWN_REVIEWS: lambda asked: {"userInfo": asked.user.to_object()},
            r.TOKEN_REVIEWS: self._of_token,
        }

    async def answer(self, request: web.Request, user: User, review: Resource, namespace: str) -> web.Response:
        """Answer one. Raises `StatusError`: 400, 405, 406, 422."""
        if request.method != "POST":
            raise method_not_allowed()
        form, body = negotiate(request), parse(await request.read(), content_type(request))
        asked = Decoder(review.kind, "v1").decode(body)
        if asked.get("kind", review.kind) != review.kind:
            raise bad_request(f"the kind in the data ({asked['kind']}) does not match the expected ({review.kind})")
        spec = asked.get("spec") or {}
        status = self._answers[review](Question(review, user, namespace, spec))
        told: Object = {"kind": review.kind, "apiVersion": review.api_version}
        told["metadata"] = {"creationTimestamp": timestamp() if review is r.OWN_REVIEWS else None}
        if review is not r.OWN_REVIEWS:
            told["spec"] = spec
        return answer(form, {**told, "status": status}, 201)

    def _of_subject(self, asked: Question) -> Object:
        spec = asked.spec
        if not spec.get("user") and not spec.get("groups"):
            raise asked.refusal("spec.user", spec.get("user") or "", "at least one of user or group must be specified")
        if asked.namespace and (spec.get("resourceAttributes") or {}).get("namespace") != asked.namespace:
            why = "spec.resourceAttributes.namespace must match namespace"
            raise bad_request(f"{why}: {asked.namespace}")
        return self._decided(asked, User(spec.get("user", ""), spec.get("uid", ""), tuple(spec.get("groups") or ())))

    def _decided(self, asked: Question, user: User) -> Object:
        decision = self._authorizer.decide(user, _wanted(asked))
        return {"allowed": decision.allowed, **({"reason": decision.reason} if decision.reason else {})}

    def _own_rules(self, asked: Question) -> Object:
        namespace = asked.spec.get("namespace")
        if not namespace:
            raise bad_request("no namespace on request")
        grants = self._authorizer.grants(asked.user, namespace)
        rules = [granted.rule for granted in grants.rules]
        status: Object = {
            "resourceRules": [
                {name: rule[name] for name in ("verbs", "apiGroups", "resources", "resourceNames") if rule.get(name)}
                for rule in rules
                if rule.get("resources")
            ],
            "nonResourceRules": [
                {"verbs": rule["verbs"], "nonResourceURLs": rule["nonResourceURLs"]}
                for rule in rules
                if rule.get("nonResourceURLs")
            ],
            "incomplete": False,
        }
        if grants.errors:
            status["evaluationError"] = ", ".join(grants.errors)
        return status

    def _of_token(self, asked: Question) -> Object:
        token = asked.spec.get("token")
        if not token:
            raise bad_request("token is required for TokenReview in authentication")
        found = self._authenticator.read(token, asked.spec.get("audiences") or ())
        if found is None:
            return {"user": {}, "error": "[invalid bearer token]"}
        user, audiences = found
        return {"authenticated": True, "user": user.to_object(), "audiences": audiences}


def _wanted(asked: Question) -> Attributes:
    given = [asked.spec[kind] for kind in ("resourceAttributes", "nonResourceAttributes") if kind in asked.spec]
    if len(given) != 1:
        raise asked.refusal("spec.resourceAttributes", "", _ONE_OF)
    (wanted,) = given
    if "nonResourceAttributes" in asked.spec:
        return Attributes(wanted.get("verb", ""), path=wanted.get("path") or "/")
    return Attributes(*(wanted.get(name, "") for name in _ATTRIBUTES))
