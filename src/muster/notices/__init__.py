"""Telling people: what a notice is, what it says in which language, whom it goes to, and the outbox on its way.

Belongs here: all that leaves for people, whoever has it to say. What is said does not: incidents and monitor make their
notices themselves. Nothing here knows an address but `muster.notices.channels`, which has it from the environment.
"""

from muster.notices.delivering import Delivered, deliver
from muster.notices.notice import Notice, NoticeError
from muster.notices.outbox import Outbox
from muster.notices.post import Post, Put

__all__ = ["Delivered", "Notice", "NoticeError", "Outbox", "Post", "Put", "deliver"]
