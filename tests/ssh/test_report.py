"""What is told of one connection: its round trips, its shells, and its channel time."""

from outkept.ssh.channels import Job, Priority
from outkept.ssh.connection import Connection
from tests.servers import Server, User
from tests.ssh.helpers import client_with, connected, eventually


def read(connection: Connection, key: str, command: str, answered: set[str]) -> None:
    """Ask once, as the poller does every ten seconds."""
    due = 0.0
    done = lambda job, _: answered.add(job.key)  # noqa: E731
    job = Job(key, command, 20.0, Priority.ROUTINE, due, 10.0, done, in_shell=True)
    assert connection.pool.submit(job)


async def test_the_channel_time_goes_to_whoever_takes_longest(sshd: Server, ssh_user: User) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        answered: set[str] = set()
        read(connection, "quick", "echo 1", answered)
        read(connection, "slow", "sleep 0.6; echo 1", answered)
        await eventually(lambda: answered == {"quick", "slow"}, "both are read")
        report = connection.pool.report()
        assert [use.sensor for use in report.uses] == ["slow", "quick"]
        slow = report.uses[0]
        assert slow.took > 0.5
        assert slow.load == slow.took / 10.0
        assert report.cure is None


async def test_it_tells_of_the_shells_and_the_way_through_the_network(
    sshd: Server, ssh_user: User
) -> None:
    async with connected(client_with(ssh_user.key), sshd.endpoint, ssh_user.name) as connection:
        answered: set[str] = set()
        read(connection, "one", "echo 1", answered)
        await eventually(lambda: bool(answered), "it is read")
        report = connection.pool.report()
        assert report.shells == 1
        assert report.no_shell == ""
        assert report.login_shell
        # On loopback some microseconds; a second would be another unit.
        assert report.round_trip_s is not None
        assert 0 < report.round_trip_s < 1
    assert connection.pool.report().round_trip_s is None
