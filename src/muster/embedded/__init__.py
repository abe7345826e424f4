"""The embedded cluster: `python -m muster.embedded`, a stand-in for Kubernetes on one Linux machine.

API server, controllers and kubelet share one asyncio process and one `Store`; the Service proxy and each pod's
supervisor are processes of their own. Nothing in here is imported by the rest of muster: it is met over HTTPS.
"""
