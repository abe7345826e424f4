"""The tree of errors. Each message is one sentence: what is wrong, where, and what would be right."""


class MusterError(Exception):
    """Anything that muster raises on purpose; `str(error)` is fit to be shown to a person."""


class UsageError(MusterError):
    """The user asked for something that does not exist or does not fit (command line, files, markers)."""


class ClusterError(MusterError):
    """The cluster refused, did not answer, or answered what makes no sense."""


class RefusedError(MusterError):
    """A guard refused to go on: the target is not meant to be struck."""


class MissingProgramError(MusterError):
    """A program that is needed is not installed."""


class TimeoutExceededError(MusterError):
    """What was waited for did not come within its deadline."""


def first_of(error: BaseException) -> BaseException:
    """The error itself or, of a group of several that broke out at once, the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
