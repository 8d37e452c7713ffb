"""Which servers a run is about, and that what is shown is counted as a whole."""

from collections.abc import Set

import pytest

from outkept.act.manual import Held, Verdict
from outkept.app.fleet import Fleet, LiveServer
from outkept.app.prospects import MOST_SERVERS, Prospect, Prospects, prospects
from outkept.model.server import Endpoint, Facts, Identity, Server
from outkept.serve.control import MistakenError, Selection, UnknownError, Wanted


def server(number: int) -> Server:
    """web0 is in Lisbon, db1 in Porto, and so on in turn."""
    kind, site = ("web", "lisbon") if number % 2 == 0 else ("db", "porto")
    return Server(
        f"{number:012x}",
        Identity(f"ssh-ed25519 SHA256:{number}", hostname=f"{kind}{number}"),
        Facts(),
        (Endpoint(f"10.0.{number // 200}.{number % 200}"),),
        "ops",
        0.0,
        0.0,
        {"site": site},
    )


def fleet(count: int) -> Fleet:
    return Fleet(server(number) for number in range(count))


def look(live: LiveServer, wanted: Wanted, besides: Set[str]) -> Prospect:
    """Two of any run, then no more."""
    held = Verdict(Held.SHARE, "enough") if len(besides) >= 2 else Verdict()
    return Prospect(live.record.id, live.name, "true", held)


async def chosen(of: Fleet, servers: Selection | list[str]) -> Prospects:
    return await prospects(Wanted("pump", None, 1, servers, ""), of, look)


@pytest.mark.parametrize(
    ("selection", "names", "unmatched"),
    [
        (Selection(names=["WEB*"]), ["web0", "web2", "web4"], ()),
        (Selection(names=["10.0.0.3"]), ["db3"], ()),
        (Selection(names=["000000000001", "mail"]), ["db1"], ("mail",)),
        (Selection(q="POR"), ["db1", "db3"], ()),
        (Selection(labels={"site": "l*"}), ["web0", "web2", "web4"], ()),
        (Selection(names=["*"], labels={"site": "porto"}, q="3"), ["db3"], ()),
        (Selection(status="disconnected", names=["web0"]), ["web0"], ()),
    ],
)
async def test_a_selection_is_what_all_of_it_matches(
    selection: Selection, names: list[str], unmatched: tuple[str, ...]
) -> None:
    found = await chosen(fleet(5), selection)
    assert [one.hostname for one in found.servers] == names
    assert found.unmatched == unmatched


@pytest.mark.parametrize(
    "selection",
    [
        Selection(names=["mail*"]),
        Selection(status="normal"),
        Selection(labels={"rack": "*"}),
    ],
)
async def test_what_nothing_matches_is_said(selection: Selection) -> None:
    with pytest.raises(UnknownError, match="no server matches"):
        await chosen(fleet(5), selection)


async def test_each_server_is_looked_at_knowing_those_before_it() -> None:
    found = await chosen(fleet(5), [server(number).id for number in (4, 0, 2, 0)])
    assert [(one.hostname, one.verdict.runs) for one in found.servers] == [
        ("web0", True),
        ("web2", True),
        ("web4", False),
    ]
    assert found.count == 2


async def test_a_run_has_a_bound() -> None:
    await chosen(fleet(MOST_SERVERS), Selection(names=["*"]))
    with pytest.raises(MistakenError, match="501 servers match, and a run has at most 500"):
        await chosen(fleet(MOST_SERVERS + 1), Selection(names=["*"]))


async def test_the_confirmation_is_of_what_would_run_and_no_more() -> None:
    one, two = server(0).id, server(1).id
    both = await chosen(fleet(5), [one, two])
    again = await chosen(fleet(5), [two, one])
    assert both.confirm == again.confirm
    assert both.confirm != (await chosen(fleet(5), [one])).confirm
    # The third is held, so with or without it the same would run.
    assert both.confirm == (await chosen(fleet(5), [one, two, server(4).id])).confirm
