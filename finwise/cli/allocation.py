"""Memory of a server process: what a large request took goes back to the system with its answer.

GNU's C library keeps what threads have freed, in up to eight heaps a processor, and the more so the larger the blocks
were that it has seen. After some hundred large requests that was 300 MiB of a process that did nothing any more.
"""

import ctypes

_MMAP_THRESHOLD, _ARENA_MAX = -3, -8  # of its malloc.h
_LARGE = 2 * 1024 * 1024  # bytes; such a block is the system's again once freed. Most pushes and pages are smaller
_HEAPS = 2


def give_back_large_blocks() -> None:
    """Tells the C library so, if it is one that can be told. Before other threads have heaps of their own."""
    try:
        tell = ctypes.CDLL(None).mallopt
    except (AttributeError, TypeError, OSError):  # another C library, or Windows
        return
    tell(_MMAP_THRESHOLD, _LARGE)
    tell(_ARENA_MAX, _HEAPS)
