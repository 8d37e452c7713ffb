"""The daemon's own state as Prometheus families."""

from collections import Counter
from collections.abc import Iterator
from enum import StrEnum

from prometheus_client import Metric
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from outkept.app.context import Context
from outkept.app.turns import in_turns
from outkept.model.channels import ChannelStats
from outkept.model.level import SensorStatus, ServerStatus


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
        _by_status("outkept_servers", "Servers by status.", servers, ServerStatus),
        _by_status("outkept_sensors", "Series by status.", series, SensorStatus),
        GaugeMetricFamily(
            "outkept_servers_queued_up",
            "Servers whose channel pool can't keep pace.",
            value=queued_up,
        ),
        *_pools(pools),
        *_readings(context),
    ]


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


def _by_status(name: str, text: str, counts: Counter[str], statuses: type[StrEnum]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=["status"])
    for status in statuses:
        family.add_metric([status.value], counts[status.value])
    return family
