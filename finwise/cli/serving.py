"""`finwise serve`."""

import gc
import logging
import sys

import click
from flask import Flask

from finwise import config, connections, create_app, create_domain
from finwise.api import account_book
from finwise.cli import allocation, descriptors
from finwise.cli.addresses import address_of, require_usable, url_of
from finwise.cli.master import STOP_SECONDS, follow_master
from finwise.domain.events import tell
from finwise.version import __version__

GARBAGE = 50_000  # objects after which Python looks for cycles; a push of 500 holds 4,600, and frees them without
SWITCH_SECONDS = 0.0005  # that a thread may compute while another waits; a poll waits for it a dozen times
BACKLOG = 2_048  # connections that wait to be taken
FOLD_SECONDS = 10.0  # that a stopping server may take to fold write-ahead logs into their files
_NAMED = 20  # of the files whose logs remain
HEAD_SECONDS = 10  # that the head of a request may take to arrive, and a connection may wait for its next request


@click.command()
@click.option("--host", help="Address or name to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.")
@click.option("--workers", type=click.IntRange(1), help="Number of processes.")
@click.option("--threads", type=click.IntRange(1), help="Number of threads in each process.")
@click.option(
    "--demo",
    "with_demo",
    is_flag=True,
    help="Add a demo book that everybody may open and change.",
)
def serve(with_demo: bool, **options: str | int | None) -> None:
    """Serve the API until Ctrl+C."""
    settings = config.with_options(config.from_environment(), options | ({"demo": 1} if with_demo else {}))
    address = address_of(settings.host)
    url = url_of(settings.host, address, settings.port) + settings.url_prefix
    settings = config.with_options(settings, {"host": address})
    require_usable(address, settings.port)
    logging.getLogger("finwise").setLevel(logging.INFO)  # from now on the log is the server's, at a terminal as well
    domain = create_domain(settings)
    domain.close()
    page = f"{url}/app/" if account_book.is_built() else f"not built, {url}/app/ says how"
    click.echo(f"FinWise {__version__} on {url} (page: {page}; API document: {url}/docs). Ctrl+C ends it.")
    if settings.demo:
        click.echo(f"Demo book: {url}/app/#demo (a token for the API: curl -X POST {url}/app/demo).")
    about = {"version": __version__, "url": url}
    sizes = {"workers": settings.workers, "threads": settings.threads, "login": settings.login}
    tell("server.started", **about, **sizes, **settings.folders)
    _serve(settings)
    if not_folded := domain.fold(FOLD_SECONDS):
        tell("server.logs_not_folded", files=", ".join(not_folded[:_NAMED]), count=len(not_folded))
    tell("server.stopped", **about)


def application() -> Flask:
    """What each process of the server runs."""
    app = create_app()
    settings = config.from_environment()
    if connections.is_possible():
        most = descriptors.connections(settings.threads) * 3 // 4  # before the server itself stops taking new ones
        connections.start(connections.Watch(settings.port, most, settings.proxies))
    follow_master()
    allocation.give_back_large_blocks()
    sys.setswitchinterval(SWITCH_SECONDS)
    gc.freeze()
    gc.set_threshold(GARBAGE)
    return app


def _serve(settings: config.Settings) -> None:
    from granian.constants import HTTPModes, Interfaces
    from granian.http import HTTP1Settings
    from granian.log import LogLevels

    from finwise.cli.processes import Server  # here, because the other commands do not need Granian

    descriptors.raise_limit()
    config.to_environment(settings)
    Server(
        "finwise.cli.serving:application",
        factory=True,
        address=settings.host,
        port=settings.port,
        interface=Interfaces.WSGI,
        workers=settings.workers,
        blocking_threads=settings.threads,
        websockets=False,
        http=HTTPModes.http1,  # over HTTP/2 a stranger's streams hold threads for as long as they like
        http1_settings=HTTP1Settings(header_read_timeout=HEAD_SECONDS * 1_000),
        backlog=BACKLOG,
        backpressure=descriptors.connections(settings.threads),
        respawn_failed_workers=True,
        workers_kill_timeout=STOP_SECONDS,  # one told to stop while it starts would never be heard of again
        log_level=LogLevels.error,
    ).serve()
