"""Reactions in memory, for the API: what is said to them holds, and nothing runs."""

import time
from typing import Any

from outkept.serve.reactions import NotKeptError

Json = dict[str, Any]


class Reacting:
    """Implements `outkept.serve.reactions.Reactions`. `disk` false: nothing is kept. What runs, is
    held and configured is what a test puts there."""

    def __init__(self) -> None:
        self.stop_: Json | None = None
        self.disk = True
        self.running: list[Json] = []
        self.held: list[Json] = []
        self.rules: list[Json] = []
        self.latches: list[Json] = [
            {
                "server": "0000b1c2d3e4",
                "hostname": "web1",
                "sensor": "apache",
                "at": time.time(),
                "reason": "it ran 3 times within 1h, which is the most",
            }
        ]

    @property
    def stopped(self) -> bool:
        return self.stop_ is not None

    def view(self) -> Json:
        return {
            "mode": "on",
            "rules": len(self.rules),
            "first_rules": list(self.rules),
            "stopped": self.stop_,
            "latches": list(self.latches),
            "running": list(self.running),
            "waiting": len(self.held),
            "held": list(self.held),
            "at_once": {"most": 10, "now": len(self.running)},
            "latch": {"runs": 3, "within": 3600.0},
            "share": {
                "within": 600.0,
                "fleet": {"most": 3, "now": 1, "of": 35},
                "labels": [{"label": "site", "value": "porto", "most": 1, "now": 1, "of": 4}],
            },
        }

    async def stop(self, reason: str, by: str) -> None:
        self.stop_ = {"at": time.time(), "by": by, "reason": reason}
        self._keep("all reactions are stopped, but only until the daemon ends")

    async def resume(self, by: str) -> bool:
        self._keep("reactions stay stopped")
        before, self.stop_ = self.stop_, None
        return before is not None

    async def release(self, server: str, sensor: str, by: str) -> bool:
        self._keep("it stays latched")
        kept = [one for one in self.latches if (one["server"], one["sensor"]) != (server, sensor)]
        released, self.latches = len(kept) < len(self.latches), kept
        return released

    def _keep(self, otherwise: str) -> None:
        if not self.disk:
            raise NotKeptError(f"{otherwise}: the disk is full")
