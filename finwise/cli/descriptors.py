"""How many connections a server process may hold: as many as there are file descriptors left by the books."""

try:
    import resource
except ImportError:  # Windows, where sockets are no files and there is no such limit
    resource = None  # type: ignore[assignment]

MOST_CONNECTIONS = 4_096  # of a process
KEPT_FOR_BOOKS = 3 * 32 + 24  # the pool's connections to files (store/pool.py), and what an idle process has open
KEPT_PER_THREAD = 8  # users.db and a tenant's file, each with its log and index; a lock; what is written beside

_WANTED = 16_384  # descriptors


def raise_limit() -> None:
    """Let this process, and those it starts, open as many files as the system allows, within reason."""
    if resource is None:
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def connections(threads: int) -> int:
    """The connections that a process of so many threads may hold."""
    if resource is None:
        return MOST_CONNECTIONS
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(threads, min(MOST_CONNECTIONS, soft - KEPT_FOR_BOOKS - KEPT_PER_THREAD * threads))
