"""Five hundred simulated servers, over real SSH, trip at once: only so many react as caps allow."""

from pathlib import Path

from outkept.config.library import load_library
from outkept.config.resources import data_dir
from outkept.demo import simulated_fleet
from tests.app.harness import Daemon, Site
from tests.servers.users import User
from tests.views import summaries

NETWORK = "127.79.0.0/22"
SERVERS, SHARE, AT_ONCE = 500, 25, 4


async def test_a_fleet_that_trips_at_once_reacts_as_far_as_the_caps_allow(tmp_path: Path) -> None:
    library, _ = load_library([data_dir("sensors")])
    async with simulated_fleet(tmp_path / "fleet", SERVERS, network=NETWORK, plain=True) as fleet:
        user = User(fleet.user, tmp_path, fleet.key, 0)
        site = Site(tmp_path / "site", user, NETWORK, port=fleet.port)
        # Any load at all is an alarm.
        site.sensor("load", library["load"].cmd, alarm=0, every="5s", reactive="mend")
        site.config["sweep"] = {"rate": 0, "every": "1h", "timeout": "5s"}
        site.config["reactions"] = {
            "mode": "on",
            "at_once": AT_ONCE,
            "share": {"fleet": f"{100 * SHARE / SERVERS}%", "within": "1d"},
        }
        async with site.daemon() as daemon:
            busy: list[int] = []
            await daemon.until(lambda: _tripped(daemon, busy), "all have tripped")
            await daemon.until(lambda: _settled(daemon), "every alarm has run or is held for good")
            actions = await daemon.actions()
            assert len({action["server"] for action in actions}) == len(actions) <= SHARE
            # The share grew as servers were found, so the last of them are the most there may be.
            assert len(actions) >= SHARE - AT_ONCE
            assert max(busy) <= AT_ONCE
            assert {action["outcome"] for action in actions} == {"done"}


def _tripped(daemon: Daemon, busy: list[int]) -> bool:
    busy.append(daemon.source.reactions.view()["at_once"]["now"])
    alarmed = [view for view in summaries(daemon.source) if view["status"] == "alarmed"]
    return len(alarmed) == SERVERS


async def _settled(daemon: Daemon) -> bool:
    ran, held = await daemon.events("fired"), await daemon.events("message", q="is the most")
    return len(ran) + len(held) == SERVERS
