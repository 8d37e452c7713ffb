"""`outkept` and `python -m outkept`."""

import os
import sys

DEBUG = "OUTKEPT_DEBUG"
"""Set to 1, an internal error shows its traceback."""
INTERRUPTED = 130
"""What shells expect of a program that SIGINT ended: 128 and its number."""


def main() -> None:
    """The entry point of the command line. Whatever goes wrong is one line on stderr."""
    try:
        # Here, because Ctrl-C may come while it is loaded, which takes half a second.
        from outkept.cli.main import app

        # Without any argument, the help is what was asked for.
        code = app(sys.argv[1:] or ["--help"], prog_name="outkept", standalone_mode=False)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = INTERRUPTED
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
        sys.stderr.write(f"outkept: {text}; see: {verb} --help\n")
        return 2
    if os.environ.get(DEBUG) == "1":
        raise error
    where = " ".join(f"{type(error).__name__}: {error}".split())
    what = f"outkept: internal error: {where}; please report it, with what {DEBUG}=1 shows"
    sys.stderr.write(f"{what}\n")
    return 1


if __name__ == "__main__":
    main()
