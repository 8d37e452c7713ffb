"""The daemon's own state as Prometheus families."""

import time
from collections import Counter
from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import product

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from outkept.app.context import Context
from outkept.app.turns import in_turns
from outkept.model.channels import ChannelStats
from outkept.model.event import Condition, EventType
from outkept.model.level import Level, SensorStatus, ServerStatus


async def families(context: Context) -> list[Metric]:
    """Counts over the whole fleet; readings themselves are not exported. Servers that change
    while they are counted are counted as one or the other."""
    servers: Counter[str] = Counter()
    series: Counter[str] = Counter()
    pools: list[ChannelStats] = []
    queued_up = 0
    async for live in in_turns(context.fleet):
        servers[live.status.value] += 1
        series.update(one.status.value for one in live.series.values())
        queued_up += bool(live.queued_up)
        if live.connected:
            pools.append(live.channels)
    return [
        by_word("outkept_servers", "Servers by status.", "status", servers, ServerStatus),
        by_word("outkept_sensors", "Series by status.", "status", series, SensorStatus),
        GaugeMetricFamily(
            "outkept_servers_queued_up",
            "Servers whose channel pool can't keep pace.",
            value=queued_up,
        ),
        *_pools(pools),
        *_readings(context),
        *_events(context),
        _incidents(context),
        await _silences(context),
        *_blind(context),
    ]


def by_word(
    name: str, text: str, label: str, counts: Mapping[str, int], words: type[StrEnum]
) -> Metric:
    """A gauge with a value for each of `words`, those that count nothing too."""
    family = GaugeMetricFamily(name, text, labels=[label])
    for word in words:
        family.add_metric([word.value], counts.get(word, 0))
    return family


def _readings(context: Context) -> Iterator[Metric]:
    written = context.store.stats()
    yield CounterMetricFamily(
        "outkept_readings", "Readings taken, failed ones included.", value=context.tally.total
    )
    yield GaugeMetricFamily(
        "outkept_readings_per_second",
        "Readings taken a second, over the last five seconds.",
        value=context.tally.per_second,
    )
    lateness = context.poller.lateness
    yield HistogramMetricFamily(
        "outkept_lateness_seconds",
        "From a reading's due time to the start of its command.",
        buckets=lateness.cumulative(),
        sum_value=lateness.total_s,
    )
    yield CounterMetricFamily(
        "outkept_samples_dropped",
        "Samples that found no room in the queue or on the disk.",
        value=written.dropped,
    )
    yield GaugeMetricFamily(
        "outkept_samples_waiting", "Samples waiting for the disk.", value=written.waiting
    )


_POOL = (
    ("outkept_channels_limit", "Channels that may be open.", "limit"),
    ("outkept_channels_busy", "Channels in use.", "busy"),
    ("outkept_jobs_queued", "Commands waiting for a channel.", "queued"),
    ("outkept_ticks_missed", "Ticks missed on the connections open now.", "missed"),
    ("outkept_channels_refused", "Opens refused on the connections open now.", "refused"),
)


def _pools(pools: list[ChannelStats]) -> Iterator[Metric]:
    for name, text, attribute in _POOL:
        yield GaugeMetricFamily(name, text, value=sum(getattr(pool, attribute) for pool in pools))


def _events(context: Context) -> Iterator[Metric]:
    herald = context.herald
    told = CounterMetricFamily("outkept_events", "Events written, by type.", labels=["type"])
    for type_ in EventType:
        told.add_metric([type_.value], herald.written[type_])
    yield told
    yield CounterMetricFamily(
        "outkept_events_refused", "Events that found no room in the queue.", value=herald.refused
    )
    yield GaugeMetricFamily(
        "outkept_events_waiting", "Events waiting for the disk.", value=herald.waiting
    )


def _incidents(context: Context) -> Metric:
    family = GaugeMetricFamily(
        "outkept_incidents_open",
        "Incidents that are not over, by what they are about, their level now, and whether"
        " somebody has taken them on.",
        labels=["condition", "level", "acknowledged"],
    )
    counts, levels = context.desk.counts, (Level.WARNED, Level.ALARMED)
    for condition, level, known in product(Condition, levels, (False, True)):
        said = "true" if known else "false"
        family.add_metric([condition, level, said], counts.get((condition, level, known), 0))
    return family


async def _silences(context: Context) -> Metric:
    now, holding = time.time(), 0
    async for silence in in_turns(context.desk.silences):
        holding += silence.holds(now)
    return GaugeMetricFamily("outkept_silences", "Silences in force now.", value=holding)


def _blind(context: Context) -> Iterator[Metric]:
    yield GaugeMetricFamily(
        "outkept_blind", "1 while we may be blind to all servers.", value=context.blindness.total
    )
    yield GaugeMetricFamily(
        "outkept_blind_ranges", "Ranges that we may be blind to.", value=context.blindness.ranges
    )
