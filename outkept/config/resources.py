"""Files that come with Outkept: the built-in sensor library and the dashboard."""

from pathlib import Path

import outkept


def data_dir(name: str) -> Path:
    """The directory `sensors` or `dashboard`.

    A wheel has it inside the package, a checkout (or an editable install) beside it.
    Raises FileNotFoundError, saying what to do, when the installation lacks it.
    """
    package = Path(outkept.__file__).parent
    for candidate in (package / "_data" / name, package.parent / name):
        if candidate.is_dir():
            return candidate
    raise FileNotFoundError(f"{package / '_data' / name} is missing: install Outkept again")
