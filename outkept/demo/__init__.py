"""The simulated fleet: servers with characters, for the demo, the tests and the benches.

`machines` says who is there, `characters` how they behave, `values` what their sensors
print, `answers` which command gets which answer, `sshd` speaks SSH, `fleet` is the process,
`run` starts it. Nothing here runs a command: known texts are looked up.
"""

from outkept.demo.run import DemoError, SimulatedFleet, simulated_fleet

__all__ = ["DemoError", "SimulatedFleet", "simulated_fleet"]
