"""muster rehearses emergencies: drills strike a service on Kubernetes and prove that it came back in time."""

__version__ = "0.1.0"
