"""The Gateway API's controller: what HTTPRoutes and Gateways come to.

Belongs here: which parents a route attaches to and why not (`attachment`), where its backends lead (`backends`), its
rules in the order and form in which the Service proxy obeys them (`rules`), what Gateways listen on (`listeners`), and
the status that tells of all this (`controller`). What is read is read from the store, in one go and without waiting.
"""

NAME = "muster.dev/embedded-gateway"
CLASS = "embedded"  # the GatewayClass that is there from the beginning
GROUP = "gateway.networking.k8s.io"
