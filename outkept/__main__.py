"""`outkept` and `python -m outkept`."""

import os
import sys

import typer

from outkept.cli.main import app

DEBUG = "OUTKEPT_DEBUG"
"""Set to 1, an internal error shows its traceback."""


def main() -> None:
    """The entry point of the command line. Whatever goes wrong is one line on stderr."""
    try:
        # Without any argument, the help is what was asked for.
        code = app(sys.argv[1:] or ["--help"], prog_name="outkept", standalone_mode=False)
        sys.stdout.flush()
    except BrokenPipeError:
        code = _reader_gone()
    except Exception as error:  # noqa: BLE001 - the last door: nobody is shown a traceback
        code = _explained(error)
    sys.exit(code if isinstance(code, int) else 0)


def _reader_gone() -> int:
    """Whoever read our output has enough (`| head`): say nothing, also not when exiting."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 1


def _explained(error: Exception) -> int:
    """One line for a usage error (2) or an error of our own (1)."""
    describe = getattr(error, "format_message", None)
    if describe is not None:
        context = getattr(error, "ctx", None)
        verb = context.command_path if context is not None else "outkept"
        text = " ".join(str(describe()).split()).rstrip(".")
        typer.echo(f"outkept: {text}; see: {verb} --help", err=True)
        return 2
    if os.environ.get(DEBUG) == "1":
        raise error
    where = " ".join(f"{type(error).__name__}: {error}".split())
    what = f"outkept: internal error: {where}; please report it, with what {DEBUG}=1 shows"
    typer.echo(what, err=True)
    return 1


if __name__ == "__main__":
    main()
