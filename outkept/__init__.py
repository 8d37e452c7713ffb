"""Outkept: agentless discovery, monitoring and guarded reactions over SSH.

The data walks one way, and every stage hands values on without knowing the next:

    range      outkept.model.ranges      what to sweep
    address    outkept.discover          what answered, and why not
    server     outkept.discover          which machine that is; which sensors it supports
    reading    outkept.poll              due commands out, parsed samples back
    level      outkept.evaluate          thresholds, for, clear: level changes
    reaction   outkept.act               policy, journal, runner
    people     outkept.serve             page, API, websocket, metrics

`outkept.app` is the only place where stages meet.
"""

__version__ = "0.1.0"
