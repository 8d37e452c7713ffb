"""`outkept` and `python -m outkept`."""

from outkept.cli.main import app


def main() -> None:
    """The entry point of the command line."""
    app(prog_name="outkept")


if __name__ == "__main__":
    main()
