"""Each bench runs and measures what it says. How fast anything was is not asked here."""

from pathlib import Path

from tests.bench.running import short_form


def test_sweep_finds_no_fewer_servers_than_nmap(tmp_path: Path) -> None:
    rows = short_form("sweep", tmp_path)
    assert {row["target"].split()[0] for row in rows} == {"refused", "silent", "with"}
    found = {row["tool"]: row["found"] for row in rows if row["target"].startswith("with")}
    assert found["Outkept, in a running daemon"] == "3 of 3"
    assert found["nmap -n -Pn -sT"] == "3 of 3"
    assert found["ssh-keyscan"] == "3 of 3"
    assert found["masscan --rate 100000"] in ("no loopback", "not installed")


def test_connect_logs_in_everywhere(tmp_path: Path) -> None:
    rows = short_form("connect", tmp_path)
    assert len({row["where"] for row in rows}) == 2
    assert {row["client"] for row in rows} == {"Outkept", "asyncssh, defaults"}
    assert all(row["CPU ms each"] > 0 for row in rows)


def test_compare_names_the_peers_that_were_not_there(tmp_path: Path) -> None:
    rows = {row["way"]: row for row in short_form("compare", tmp_path)}
    assert rows["Outkept"]["CPU, times ours"] == 1
    for measured in ("Outkept", "ssh, ControlMaster", "ssh, new connection each"):
        assert rows[measured]["readings"] >= 12
        assert rows[measured]["note"] == ""
    for absent in ("parallel-ssh, connection kept", "ansible-playbook, raw"):
        assert rows[absent]["readings"] is None
        assert rows[absent]["note"] == "not in the short form"


def test_live_hears_every_change(tmp_path: Path) -> None:
    rows = short_form("live", tmp_path)
    assert [row["clients"] for row in rows] == [0, 1, 3]
    assert rows[0]["late ms p95"] is None
    assert all(row["late ms p95"] > 0 and row["frame KB p50"] > 0 for row in rows[1:])


def test_poll_reads_every_sensor_of_every_server(tmp_path: Path) -> None:
    (row,) = short_form("poll", tmp_path, "--servers", "12", "--seconds", "6")
    assert row["servers"] == 12
    assert row["readings/s"] > 0
    assert row["late ms p99"] != "–"


def test_target_measures_both_sides_of_every_way(tmp_path: Path) -> None:
    rows = short_form("target", tmp_path)
    sets = {row["sensors"] for row in rows}
    assert sets == {"shell builtins", "one program", "library"}
    ways = {row["way"] for row in rows if row["readings"]}
    assert {"Outkept, in a shell", "Outkept, an exec each", "ssh, ControlMaster"} <= ways
    for row in rows:
        assert (row["readings"] is None) == bool(row["note"]), row
        # The kernel counts the servers' CPU in hundredths of a second: few readings may be none.
        assert row["readings"] is None or (row["client CPU ms"] > 0 and row["server CPU ms"] >= 0)


def test_browser_sees_the_fleet_and_its_changes(tmp_path: Path) -> None:
    rows = {row["page"]: row for row in short_form("browser", tmp_path)}
    assert set(rows) == {"overview", "map", "list", "server"}
    for row in rows.values():
        assert row["paint after ms"] > 0
        assert row["longest task wall ms"] > 0
        assert row["frame ms p50"] > 0
        assert row["heap MB first"] > 0
    assert rows["overview"]["late ms p50"] > 0


def test_replay_passes_over_what_can_not_change_anything(tmp_path: Path) -> None:
    rows = {row["what"]: row for row in short_form("replay", tmp_path)}
    everything = rows["without passing anything over"]
    assert everything["judged"] == everything["readings"]
    assert rows["as configured"]["judged"] < everything["judged"]
    assert rows["as configured"]["alarms"] == everything["alarms"]
    assert rows["minutes"]["readings/s"] > 0
