"""What of recorded readings has to be judged again, and what a row of several stands for. Pure."""

from outkept.evaluate.thresholds import judge
from outkept.model.reading import Sample
from outkept.model.sensor import Parse, Sensor


def can_trip(sensor: Sensor) -> bool:
    """Whether any number puts it over a threshold."""
    return sensor.zero or sensor.warning is not None or sensor.alarm is not None


def not_recorded(sensor: Sensor) -> str:
    """Why the sensor's levels can't be found out from what is recorded of it; empty: they can."""
    if sensor.parse is Parse.NAGIOS:
        return "its command judges, and what it judged is not recorded"
    return ""


def is_calm(sensor: Sensor, low: float, high: float) -> bool:
    """Whether every value from `low` to `high` is normal, taken alone. May be False where it is,
    never True where it isn't."""
    if sensor.zero and low <= 0 <= high:
        return False
    return _severity(sensor, low) == 0 == _severity(sensor, high)


def spread(
    sensor: Sensor, row: tuple[float, float, int, float, float, float], *, worse_first: bool
) -> list[tuple[float, float]]:
    """A row (`start`, `seconds`, `n`, `low`, `mean`, `high`) as `n` readings, evenly apart, of its
    least and its greatest value, as many of each as its mean needs: times and values.

    The worse value comes first where `worse_first`, else last: next to where it was bad before, or
    comes to be.
    """
    start, seconds, n, low, mean, high = row
    greatest = _greatest(n, low, mean, high)
    values = [high] * greatest + [low] * (n - greatest)
    if (_severity(sensor, high) > _severity(sensor, low)) != worse_first:
        values.reverse()
    return [(start + seconds * at / n, value) for at, value in enumerate(values)]


def _greatest(n: int, low: float, mean: float, high: float) -> int:
    """How many of `n` readings were the greatest, had all been the least or the greatest."""
    if n == 1 or low == high:
        return n
    return min(max(1, round(n * ((mean - low) / (high - low)))), n - 1)


def _severity(sensor: Sensor, value: float) -> int:
    return judge(sensor, Sample(None, value)).severity
