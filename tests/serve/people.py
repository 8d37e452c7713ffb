"""What people have done with a made-up fleet: to look at, and for checks of every page."""

import time
from dataclasses import replace

from outkept.model.event import Condition
from outkept.model.silence import Silence, Weekly
from outkept.serve.control import Wanted
from tests.serve.fleet import Fleet

HOUR = 3600.0


async def attend(fleet: Fleet) -> None:
    """Have incidents of each condition, some of them taken on, and silences of each state; the
    first server is silenced."""
    await _incidents(fleet)
    await _silences(fleet, next(iter(fleet.by_id.values()))["hostname"])


async def act(fleet: Fleet) -> str:
    """Have reactions run, wait and be latched, and a run by hand under way, which has printed
    something; its id."""
    first, second, third, *_ = fleet.by_id.values()
    about = {"server": second["id"], "hostname": second["hostname"], "instance": None}
    running = about | {"sensor": "load", "step": 2, "since": time.time() - 4, "by": "ada"}
    fleet.reactions.running = [running]
    fleet.reactions.held = [about | {"sensor": "memory", "guard": "silenced"}]
    match = {"hostname": "db*", "labels": {"site": "lisbon"}}
    fleet.reactions.rules = [{"mode": "dry-run", "sensors": ["disk", "my*"], "match": match}]
    fleet.defined["load"] = fleet.defined.get("load", {}) | {
        "reactive": "systemctl restart runaway",
        "fallback": "systemctl kill --signal=KILL runaway",
    }
    chosen = [first["id"], second["id"], third["id"], *list(fleet.by_id)[8:9]]
    wanted = Wanted("load", None, 1, chosen, "it runs away again, OPS-4711")
    seen = await fleet.control.preview(wanted)
    run = await fleet.control.start(replace(wanted, confirm=seen["confirm"]), "ada")
    fleet.control.hear(first["id"], "Stopping runaway.\nStarting runaway.\n")
    fleet.control.end(first["id"])
    fleet.control.hear(second["id"], "Failed to restart runaway.service: Unit not found.\n")
    fleet.control.end(second["id"], 5)
    fleet.control.hear(third["id"], "Stopping runaway.\n")
    return str(run["id"])


async def _incidents(fleet: Fleet) -> None:
    first, second, *_ = fleet.by_id.values()
    name = second["hostname"]
    gone = f"{name}: no answer for 5 min"
    fleet.tell("gone", gone, server=second["id"], condition=Condition.GONE)
    load = {"server": first["id"], "sensor": "load"}
    fails = f"{first['hostname']}: load fails: exit status 127"
    fleet.tell("failing", fails, condition=Condition.FAILED, **load)
    fleet.tell("flapping", f"{first['hostname']}: load changes its level too often", **load)
    blind = "120 of 400 servers are gone at once"
    fleet.tell("blind", blind, condition=Condition.BLIND)
    taken = next(event["id"] for event in fleet.log if event["type"] == "warned")
    await fleet.desk.acknowledge(taken, "ada", "a leak in the exporter; restarting it by hand")
    await fleet.desk.note(taken, "ada", "Back to 60 %.\nThe fix is rolled out tonight: OPS-4711.")


async def _silences(fleet: Fleet, hostname: str) -> None:
    now = time.time()
    usual = Silence(now - 600, now + 4 * HOUR, "new kernel, OPS-12", "ada", server=hostname)
    weekly = Weekly(frozenset({5, 6}), 22 * 60, 240, "Europe/Lisbon")
    backup = replace(usual, server="db*", ends=float("inf"), reason="backups", weekly=weekly)
    later = replace(usual, server="*", sensor="disk", starts=now + HOUR, labels={"site": "lisbon"})
    over = replace(usual, server="web*", author="bob", reason="deployment 1.4")
    for silence in (usual, backup, later):
        await fleet.desk.add_silence(silence)
    made = await fleet.desk.add_silence(over)
    await fleet.desk.end_silence(made["id"], "ada")
