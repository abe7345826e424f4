"""The ways out: a channel takes a message to where people read it. Addresses come from the environment, and stay here.

Belongs here: what speaks a service's protocol, and what hides an address. When something is sent, how often and in
which order is the outbox's to say.
"""

from muster.notices.channels.channel import Channel, ChannelError, Message
from muster.notices.channels.environment import PREFIX, channels_of_environment, variable_of

__all__ = ["PREFIX", "Channel", "ChannelError", "Message", "channels_of_environment", "variable_of"]
