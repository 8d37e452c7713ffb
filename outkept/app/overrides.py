"""Which servers of the fleet each override touches."""

import asyncio
from collections.abc import Sequence
from typing import Any

from outkept.app.fleet import Fleet, LiveServer
from outkept.config.overrides import subject_of
from outkept.config.preview import Preview
from outkept.config.settings import Override
from outkept.model.sensor import Sensor

Json = dict[str, Any]

_AT_ONCE = 2000
"""Matches that are tried before the loop may do something else: a few milliseconds."""


async def touched(
    fleet: Fleet, overrides: Sequence[Override], library: Sequence[Sensor], server: str | None
) -> list[Json] | None:
    """See `serve.source.Source.overrides`."""
    preview = Preview(overrides, library)
    if server is not None:
        live = fleet.get(server)
        if live is None:
            return None
        _add(preview, live)
        return [view for view in preview.views() if view["servers"]]
    slice_ = max(1, _AT_ONCE // max(1, len(overrides)))
    for number, live in enumerate(fleet):
        if number % slice_ == 0:
            await asyncio.sleep(0)
        _add(preview, live)
    return preview.views()


def _add(preview: Preview, live: LiveServer) -> None:
    preview.add(live.record.id, subject_of(live.record), live.record.supported)
