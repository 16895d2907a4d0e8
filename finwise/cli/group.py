"""What all commands share: the group, the domain, progress and errors."""

import errno
import io
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import click

from finwise import config, create_domain, logs
from finwise.domain import Domain
from finwise.domain.identifiers import canonical_uuid
from finwise.domain.names import MOST_NAME, canonical_name, shown
from finwise.errors import FinWiseError, Invalid
from finwise.version import __version__


class _Group(click.Group):
    """Reports errors in one line."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            ended = super().invoke(ctx)
            sys.stdout.flush()  # or what finds no room would be noticed when Python ends, without a word
            return ended
        except FinWiseError as error:
            _end_output()
            raise click.ClickException(told(error)) from error
        except OSError as error:  # a file that an argument names, or the output: the disk is full, the reader went away
            if error.errno == errno.EPIPE:
                raise
            _end_output()
            raise click.ClickException(shown(f"{error.filename or 'The output'}: {error.strerror}.")) from error


def _end_output() -> None:
    """Flushes the output or discards it: Python would try again and end with a traceback."""
    try:
        sys.stdout.flush()
    except OSError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


@click.group(cls=_Group)
@click.version_option(__version__, prog_name="finwise")
def main() -> None:
    """Keep all devices of a household's account book in sync.

    Settings are environment variables: docs/reference.md lists them.
    """
    os.umask(0o077)  # other users may not read what FinWise writes
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a name that the terminal cannot show ends no command
    # At a terminal a command says itself what it does; what runs it unattended gets the events as well.
    logs.configure(logging.WARNING if sys.stderr.isatty() else logging.INFO)
    for name in config.unknown_variables():
        click.echo(f"{name} is not a setting of FinWise: is it misspelled?", err=True)


def domain(*, create: bool = False, restore: bool = False) -> Domain:
    """The rules joined to their stores, until the command ends. Raises BadSetting if there is no installation.

    `create`: creates one then; a command that always did so would succeed in the wrong folder. `restore`: the folder of
    the tenants' files may be missing.
    """
    joined = create_domain(config.from_environment(), create=create, restore=restore)
    click.get_current_context().call_on_close(joined.close)
    return joined


def told(error: FinWiseError) -> str:
    """The error in a line for the operator, who may know which file it is about."""
    return shown(" ".join([error.detail, *getattr(error, "__notes__", ())]))


def uuid_of(named: str) -> str:
    """The UUID that an option names. Raises Invalid."""
    uuid = canonical_uuid(named)
    if uuid is None:
        raise Invalid("--tenant takes a UUID of 36 characters.")
    return uuid


def name_of(named: str, option: str) -> str:
    """The name that an option gives to something. Raises Invalid."""
    name = canonical_name(named) if len(named) <= MOST_NAME else None
    if name is None:
        raise Invalid(f"{option} takes one line of 1 to {MOST_NAME} characters, none of them invisible.")
    return name


def rows(cells: Sequence[Sequence[str]]) -> None:
    """Prints a table, each column as wide as it needs to be."""
    lines = [[shown(cell) for cell in row] for row in cells]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for row in lines:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def end(problems: Sequence[str]) -> None:
    """Reports problems, and ends the command with 1 if there are any."""
    for line in problems:
        click.echo(shown(line), err=True)
    if problems:
        sys.exit(1)


def say_count(number: int, one: str, many: str = "") -> str:
    """A number of things, as `1 tenant` or `2 tenants`; `many`: the plural, if it does not end in s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """A function `advance(done, total)`: a bar on a terminal, a line for each step otherwise."""
    if sys.stderr.isatty():
        with click.progressbar(length=1, label=label, file=sys.stderr) as bar:

            def advance(done: int, total: int) -> None:
                bar.length = total
                bar.update(done - bar.pos)

            yield advance
        return

    def say(done: int, total: int) -> None:
        click.echo(f"{label}: {done} of {total}", err=True)

    yield say
