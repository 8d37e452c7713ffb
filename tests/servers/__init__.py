"""Real servers on loopback, for every test that needs one.

    with running_user() as user, running_sshd(user) as server:
        server.endpoint, server.freeze(), server.kill_sessions(), …

All of them need root, and the Debian packages openssh-server, dropbear-bin, tinysshd and
busybox; a missing program is an error that names its package, never a skipped test.
"""

from tests.servers.keys import authorize, generate_key
from tests.servers.listeners import running_listener
from tests.servers.machines import disguise, machine
from tests.servers.openssh import running_agent, running_sshd
from tests.servers.process import Server, free_port, program, until
from tests.servers.small import running_dropbear, running_tinysshd
from tests.servers.users import User, running_user, shell_of_busybox

__all__ = [
    "Server",
    "User",
    "authorize",
    "disguise",
    "free_port",
    "generate_key",
    "machine",
    "program",
    "running_agent",
    "running_dropbear",
    "running_listener",
    "running_sshd",
    "running_tinysshd",
    "running_user",
    "shell_of_busybox",
    "until",
]
