"""`python -m muster.embedded.proxy`: see `server`."""

import signal

import uvloop

from muster.embedded.proxy.server import serve

signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal's Ctrl-C is for the cluster, which then ends us
uvloop.run(serve())
