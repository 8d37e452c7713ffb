"""SSH to servers: the only importer of asyncssh, and where its exceptions end.

client      credentials and host keys in, connections out
login       one login, and why it failed
connection  a kept connection and its pool
channels    the pool: order, limit, missed ticks, stuck servers
execution   one command by exec: deadline, byte caps, the end of its process
shells      who travels together and who runs alone; `shell` is one of the shells
transport   many channels on one connection; `redial` one connection for each command
limit, pressure, knownhosts, manners   decisions as pure values
script, frames   what is written to a shell and what comes back, pure as well
"""
