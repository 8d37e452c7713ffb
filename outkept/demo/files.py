"""Open files: a listener and a connection are one each, and a process may have so many."""

import resource


class FileLimitError(Exception):
    """The process may not have so many files open; the message says what to do."""


def make_room(servers: int, others: int) -> None:
    """Let this process have a connection to each server, some of them twice while they are
    made anew, and `others`. Raises FileLimitError."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = servers + servers // 10 + others + 100
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    if hard != resource.RLIM_INFINITY and hard < wanted:
        raise FileLimitError(
            f"{servers} servers need {wanted} open files, and this process may have {hard}:"
            " start fewer, or raise the limit (ulimit -Hn)"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
