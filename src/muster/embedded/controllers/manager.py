"""Starts and stops all controllers."""

from __future__ import annotations

from typing import Any

from muster.embedded.access.accounts import Accounts
from muster.embedded.controllers.accounts import ServiceAccountController, TokenSecretController
from muster.embedded.controllers.aggregation import AggregationController
from muster.embedded.controllers.budgets import BudgetController
from muster.embedded.controllers.claims import ClaimController
from muster.embedded.controllers.deployment import DeploymentController
from muster.embedded.controllers.endpoints import EndpointsController
from muster.embedded.controllers.garbage import GarbageCollector
from muster.embedded.controllers.job import JobController
from muster.embedded.controllers.namespaces import NamespaceController
from muster.embedded.controllers.replicaset import ReplicaSetController
from muster.embedded.controllers.scheduler import Scheduler
from muster.embedded.controllers.statefulset import StatefulSetController
from muster.embedded.reconciler import Reconciler
from muster.embedded.store import Store


class ControllerManager:
    """The control loops of one cluster. `authority` is the PEM that every namespace is given."""

    def __init__(self, store: Store, authority: str, accounts: Accounts) -> None:
        self._reconcilers: list[Reconciler[Any]] = [
            ServiceAccountController(store).reconciler(),
            NamespaceController(store, authority).reconciler(),
            TokenSecretController(store, accounts, authority).reconciler(),
            AggregationController(store).reconciler(),
            Scheduler(store).reconciler(),
            DeploymentController(store).reconciler(),
            ReplicaSetController(store).reconciler(),
            StatefulSetController(store).reconciler(),
            EndpointsController(store).reconciler(),
            ClaimController(store).reconciler(),
            BudgetController(store).reconciler(),
            JobController(store).reconciler(),
            GarbageCollector(store).reconciler(),
        ]

    def start(self) -> None:
        for reconciler in self._reconcilers:
            reconciler.start()

    async def stop(self) -> None:
        for reconciler in self._reconcilers:
            await reconciler.stop()
