"""The simulated fleet: servers with characters, for the demo, the tests and the benches.

`machines` says who is there, `characters` how they behave, `weather` what goes wrong with all
of them, `values` what their sensors print, `answers` which command gets which answer, `door`
takes connections, `sshd` speaks SSH, `fleet` is the process, `run` starts it. Nothing here runs a
command: known texts are looked up.
"""

from outkept.demo.files import FileLimitError, make_room
from outkept.demo.run import DemoError, SimulatedFleet, simulated_fleet
from outkept.demo.weather import CALM, Weather

LIVELY = {"apache": 5.0, "disk": 5.0, "temperature": 5.0, "users": 5.0}
"""Intervals in seconds for a demonstration: the sensors by which the fleet's troubles show
within two minutes, where the library reads them once a minute."""

__all__ = [
    "CALM",
    "LIVELY",
    "DemoError",
    "FileLimitError",
    "SimulatedFleet",
    "Weather",
    "make_room",
    "simulated_fleet",
]
