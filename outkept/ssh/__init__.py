"""SSH to servers: the only importer of asyncssh, and where its exceptions end.

client      credentials and host keys in, connections out
login       one login, and why it failed
connection  a kept connection and its pool
channels    the pool: order, limit, missed ticks, stuck servers
execution   one command: deadline, byte caps, the end of its process
transport   many channels on one connection; `redial` one connection for each command
limit, pressure, knownhosts   decisions as pure values
"""
