"""The rules of a running cluster, which the store asks before every write."""

from __future__ import annotations

from muster.embedded import status
from muster.embedded.addresses import Addresses, AddressesExhaustedError
from muster.embedded.admission.changes import CHANGE_CHECKS
from muster.embedded.admission.defaults import DEFAULTS
from muster.embedded.admission.names import bad_value, check_metadata, generate_name
from muster.embedded.admission.service_accounts import ServiceAccountAdmission
from muster.embedded.admission.structural import begin_custom
from muster.embedded.admission.validation import CHECKS
from muster.embedded.objects import Object
from muster.embedded.resources import PERSISTENTVOLUMECLAIMS, PODS, SERVICES, Resource
from muster.embedded.rules import Rules

CLAIM_PROTECTION = "kubernetes.io/pvc-protection"


class ClusterRules(Rules):
    """Defaults, checks, the addresses of Services, and the accounts of pods where `pods` admits them."""

    def __init__(self, addresses: Addresses) -> None:
        self._addresses = addresses
        self.pods: ServiceAccountAdmission | None = None  # needs the store, which needs these rules first

    def prepare_create(self, resource: Resource, obj: Object) -> None:
        meta = obj["metadata"]
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = generate_name(meta["generateName"])
        if resource.custom:
            begin_custom(resource.kind, obj)
        self._complete(resource, obj)
        if resource is SERVICES:
            self._assign_address(obj)
        if resource is PODS and self.pods is not None:
            self.pods.admit(obj)
        if resource is PERSISTENTVOLUMECLAIMS:
            finalizers = meta.setdefault("finalizers", [])
            if CLAIM_PROTECTION not in finalizers:
                finalizers.append(CLAIM_PROTECTION)

    def prepare_update(self, resource: Resource, new: Object, old: Object) -> None:
        if resource is SERVICES:
            for field in ("clusterIP", "clusterIPs"):
                if field in old["spec"] and not new.setdefault("spec", {}).get(field):
                    new["spec"][field] = old["spec"][field]
        self._complete(resource, new)
        check = CHANGE_CHECKS.get(resource)
        causes = check(new, old) if check else []
        if causes:
            raise status.invalid(resource, new["metadata"]["name"], causes)

    def _complete(self, resource: Resource, obj: Object) -> None:
        """Defaults, then checks. A new name is checked first: the rest may rely on it."""
        causes = check_metadata(resource, obj)
        name = obj["metadata"].get("name") or ""
        if default := DEFAULTS.get(resource):
            default(obj)
        if check := CHECKS.get(resource):
            causes += check(obj)
        if causes:
            raise status.invalid(resource, name, causes)

    def _assign_address(self, service: Object) -> None:
        spec = service["spec"]
        if spec["type"] == "ExternalName":
            return
        address, why = spec.get("clusterIP") or "", ""
        try:
            if not address:
                address = self._addresses.take_service()
            elif address != "None" and not self._addresses.reserve_service(address):
                why = f"the provided IP ({address}) is not in the range of this cluster's Services, or is taken"
        except ValueError:
            why = "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"
        except AddressesExhaustedError as error:
            why = f"failed to allocate a serviceIP: {error}"
        if why:
            name = service["metadata"]["name"]
            raise status.invalid(resource=SERVICES, name=name, causes=[bad_value("spec.clusterIPs", address, why)])
        spec["clusterIP"], spec["clusterIPs"] = address, [address]
