"""The commands and how their arguments are drawn: one entry per command, one file per family.

TABLE maps a command's name as COMMAND LIST gives it ("set", "client|setname") to a Gen.
"""

from gen import connection, generic, geo, hashes, hyperloglogs, lists, pubsub, scripts, server, sets, streams, strings, zsets

FAMILIES = (strings, hyperloglogs, generic, hashes, lists, sets, zsets, geo, streams, scripts, pubsub, connection, server)
TABLE = {name: gen for family in FAMILIES for name, gen in family.TABLE.items()}
