"""The level of one value, by the sensor's thresholds. Pure."""

from outkept.model.level import Level
from outkept.model.reading import Sample
from outkept.model.sensor import Sensor

_BY_SEVERITY = (Level.NORMAL, Level.WARNED, Level.ALARMED)


def judge(sensor: Sensor, sample: Sample) -> Level:
    """The level of `sample` taken alone, before `for` and `clear` have their say.

    A level the command gave itself (nagios) stands. Texts are always normal.
    """
    if sample.level is not None:
        return _BY_SEVERITY[sample.level]
    value, alarm, warning = sample.value, sensor.alarm, sensor.warning
    if isinstance(value, str):
        return Level.NORMAL
    # Written out: this is asked of thousands of values each second.
    if alarm is not None and (value <= alarm if sensor.inverted else value >= alarm):
        return Level.ALARMED
    if sensor.zero and value == 0:
        return Level.ALARMED
    if warning is not None and (value <= warning if sensor.inverted else value >= warning):
        return Level.WARNED
    return Level.NORMAL


def is_zero_alarm(sensor: Sensor, sample: Sample) -> bool:
    """Whether the value alarms for being 0, which never runs a reaction."""
    return sensor.zero and sample.value == 0


def is_clear(sensor: Sensor, sample: Sample) -> bool:
    """Whether the value has passed the point at which a level is left."""
    if sensor.clear is None or isinstance(sample.value, str):
        return True
    if sensor.inverted:
        return sample.value >= sensor.clear
    return sample.value <= sensor.clear
