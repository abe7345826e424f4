"""A pod's volumes: where their content lies on the machine and where the containers see it."""
