"""What to do about a sensor that gave no value. Pure."""

from outkept.config.durations import format_duration
from outkept.model.command import CommandFailure, CommandOutcome, FailureKind
from outkept.model.sensor import Parse, Sensor

_CUTS = {
    FailureKind.TOO_LONG: "let the command print only its value: cut it with head, awk or grep",
    FailureKind.LOST: "look at the server's sshd log; other sensors were cut off with it",
    FailureKind.NO_STATUS: "run the command on the server by hand: something ended it",
    FailureKind.CANCELLED: "try again",
}
_NOT_ALLOWED = ("permission denied", "operation not permitted", "must be root", "a password is")


def advice(sensor: Sensor, outcome: CommandOutcome, timeout: float, user: str) -> str:
    """How to mend `sensor` after `outcome`, of which no value could be made."""
    if isinstance(outcome, CommandFailure):
        if outcome.kind is FailureKind.TIMED_OUT:
            longer = format_duration(round(timeout * 2, 1))
            return f"make the command quicker, or give the sensor more time (timeout: {longer})"
        return _CUTS[outcome.kind]
    said = outcome.stderr.decode("utf-8", "replace").lower()
    if any(words in said for words in _NOT_ALLOWED):
        return f"give {user} the right to it (a group, or a sudo rule and sudo -n in the command)"
    if outcome.status in {126, 127}:
        return "install the missing program there, or let the verifier ask for it (command -v)"
    if sensor.parse is not Parse.NAGIOS and outcome.status != 0:
        return "let the verifier rule such servers out, or the command end with status 0"
    return _about_output(sensor, outcome.stdout)


def _about_output(sensor: Sensor, stdout: bytes) -> str:
    lines = stdout.decode("utf-8", "replace").strip().splitlines()
    if not lines:
        return "let the command print its value, or the verifier rule such servers out"
    if sensor.parse is Parse.NUMBER:
        if len(lines) > 1:
            return "print one number alone, or write 'parse: table' for INSTANCE VALUE lines"
        return "print the bare number (its unit belongs into unit:), or write 'parse: text'"
    if sensor.parse is Parse.TABLE:
        return "print a line 'INSTANCE VALUE' for each series, each instance once"
    if sensor.parse is Parse.JSON:
        return "print a number, a text or one flat object of them, as JSON"
    return "print what 'parse' says, or change 'parse'"
