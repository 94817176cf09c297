"""Users and permissions: what redis-server answers to the same lines, and what only a server of our own can show."""

import os
import re

import pytest
import servers
from wire import Closed, Error

# Lines of one administrator; both servers must answer each with the same bytes. Where redis 7.0 differs from the
# level that we keep (the order in which rules are shown, ids in the log), tests further down say what is right.
ADMIN = """
ACL SETUSER u on >one ~k:* %R~r:* %W~w:* +@all -flushall
ACL SETUSER u nonsense
ACL SETUSER u +nosuch
ACL SETUSER u -nosuch
ACL SETUSER u +@nosuch
ACL SETUSER u +config|nosuch
ACL SETUSER u -select|0
ACL SETUSER u +select|
ACL SETUSER u +config|get|dir
ACL SETUSER u allkeys ~x
ACL SETUSER u allchannels &x
ACL SETUSER u %~x
ACL SETUSER u %X~x
ACL SETUSER u <wrong
ACL SETUSER u #abc
ACL SETUSER u !abc
ACL SETUSER u (+get
ACL SETUSER u (+get nonsense)
ACL SETUSER bad\\ name on
ACL GETUSER nobody
ACL DELUSER default
ACL DELUSER nobody nobody2
ACL DRYRUN nobody GET k
ACL DRYRUN u NOSUCH
ACL DRYRUN u GET
ACL DRYRUN u GET k:1
ACL DRYRUN u GET other
ACL DRYRUN u GET w:1
ACL DRYRUN u SET r:1 v
ACL DRYRUN u SET w:1 v
ACL DRYRUN u SET w:1 v GET
ACL DRYRUN u FLUSHALL
ACL DRYRUN u MGET k:1 r:1 x
ACL DRYRUN u RENAME k:1 x
ACL DRYRUN u COPY r:1 w:1
ACL DRYRUN u COPY w:1 r:1
ACL DRYRUN u ZUNIONSTORE w:z 2 r:a x
ACL GENPASS x
ACL GENPASS 0
ACL GENPASS 4097
ACL CAT nosuch
ACL CAT a b
ACL LOG x
ACL LOG a b
ACL NOSUCH
ACL WHOAMI
ACL USERS
AUTH u wrong
AUTH nobody one
AUTH a b c
CLIENT KILL USER nobody
"""

# Lines of the user itself.
USER = """
ACL WHOAMI
GET k:1
SET k:1 v
GET r:1
SET r:1 v
GET w:1
SET w:1 v
SET w:1 v GET
GETSET w:1 v
INCR w:1
FLUSHALL
flushall
MGET k:1 other
MSET k:1 a w:1 b
MSET k:1 a r:1 b
MULTI
SET k:1 b
SET r:1 b
EXEC
PING
CLIENT GETNAME
DEL k:1 w:1
DEL k:1 r:1
"""


def lines_of(text):
    """The words of each line; a backslash keeps the space behind it."""
    for line in text.strip().splitlines():
        yield [word.replace("\0", " ") for word in line.replace("\\ ", "\0").split(" ")]


def plain(reply):
    """What redis 7.0 says in the words of all later servers, which name the user and not the arguments."""
    reply = reply.replace(b"this user has no permissions to access one of the keys used as arguments",
                          b"No permissions to access a key")
    text = re.sub(rb"(?i)this user has", b"User u has", reply)
    return text if text == reply else re.sub(rb"^\$\d+", b"$", text)


def assert_alike(mine, theirs, words):
    a, b = mine.raw(*words), theirs.raw(*words)
    if plain(b) != b:
        a = re.sub(rb"^\$\d+", b"$", a)
    assert a == plain(b), words


@pytest.fixture
def pair(own_engine):
    with servers.redis() as reference:
        yield own_engine(), reference


def test_both_servers_answer_alike(pair):
    mine, theirs = pair
    with mine.conn() as a, theirs.conn() as b:
        for words in lines_of(ADMIN):
            assert_alike(a, b, words)
        a.call("ACL", "SETUSER", "u", "reset", "on", ">one", "~k:*", "%R~r:*", "%W~w:*", "+@all", "-flushall")
        b.call("ACL", "SETUSER", "u", "reset", "on", ">one", "~k:*", "%R~r:*", "%W~w:*", "+@all", "-flushall")
    with mine.conn() as a, theirs.conn() as b:
        for conn in (a, b):
            assert conn.call("AUTH", "u", "one") == b"OK"
        for words in lines_of(USER):
            assert_alike(a, b, words)


def test_rules_are_shown_in_their_order(own_engine):
    with own_engine().conn() as conn:
        conn.call("ACL", "SETUSER", "u", "on", ">one", "+@all", "-@dangerous", "+config|get", "-get", "+GET", "~a", "(+set ~b)")
        shown = conn.call("ACL", "LIST")[1]
        assert shown == (b"user u on sanitize-payload #7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed "
                         b"~a resetchannels +@all -@dangerous +config|get +get (~b resetchannels -@all +set)")
        user = conn.call("ACL", "GETUSER", "u")
        assert user[:2] == [b"flags", [b"on", b"sanitize-payload"]]
        assert user[user.index(b"commands") + 1] == b"+@all -@dangerous +config|get +get"
        assert user[-1] == [[b"commands", b"-@all +set", b"keys", b"~b", b"channels", b""]]


def test_a_transaction_is_checked_again_when_it_runs(own_engine):
    server = own_engine()
    with server.conn() as admin, server.conn() as user:
        admin.call("ACL", "SETUSER", "u", "on", "nopass", "allkeys", "+@all")
        user.call("AUTH", "u", "x")
        user.call("MULTI")
        user.call("SET", "a", "1")
        user.call("GET", "a")
        admin.call("ACL", "SETUSER", "u", "-get")
        answers = user.call("EXEC")
        assert answers[0] == b"OK"
        assert answers[1] == Error("NOPERM ACLs rules changed between the moment the transaction was accumulated and the "
                                   "EXEC call. This command is no longer allowed for the following reason: no permission "
                                   "to execute the command or subcommand")


def test_who_is_removed_loses_its_connections(own_engine):
    server = own_engine()
    with server.conn() as admin, server.conn() as user, server.conn() as other:
        admin.call("ACL", "SETUSER", "u", "on", "nopass", "allkeys", "+@all")
        user.call("AUTH", "u", "x")
        assert b" user=u " in user.call("CLIENT", "INFO")
        assert admin.call("ACL", "DELUSER", "u", "nobody") == 1
        with pytest.raises((Closed, ConnectionError)):
            user.call("PING")
        assert other.call("PING") == b"PONG"


def test_who_removes_itself_is_told(own_engine):
    server = own_engine()
    with server.conn() as admin, server.conn() as user:
        admin.call("ACL", "SETUSER", "u", "on", "nopass", "allkeys", "+@all")
        user.call("AUTH", "u", "x")
        assert user.call("ACL", "DELUSER", "u") == 1
        with pytest.raises((Closed, ConnectionError)):
            user.call("PING")


def test_refusals_are_logged_and_counted(own_engine):
    server = own_engine()
    with server.conn() as admin, server.conn() as user:
        admin.call("ACL", "SETUSER", "u", "on", ">p", "~a", "+get")
        assert str(user.call("AUTH", "u", "no")).startswith("WRONGPASS")
        user.call("AUTH", "u", "p")
        for _ in range(3):
            user.call("GET", "b")
        user.call("SET", "a", "v")
        log = [dict(zip(e[::2], e[1::2])) for e in admin.call("ACL", "LOG")]
        assert [(e[b"reason"], e[b"object"], e[b"count"], e[b"username"]) for e in log] == [
            (b"command", b"set", 1, b"u"), (b"key", b"b", 3, b"u"), (b"auth", b"AUTH", 1, b"u")]
        assert [e[b"entry-id"] for e in log] == [2, 1, 0]
        assert b"user=u" in log[0][b"client-info"]
        stats = admin.call("INFO", "stats")
        assert b"acl_access_denied_auth:1\r\nacl_access_denied_cmd:1\r\nacl_access_denied_key:3\r\n" in stats
        assert admin.call("ACL", "LOG", "RESET") == b"OK"
        assert admin.call("ACL", "LOG") == []


def test_users_live_in_a_file(own_engine, tmp_path):
    path = tmp_path / "users.acl"
    path.write_text("user default on nopass ~* &* +@all\nuser a on >x ~a* +@read\n")
    server = own_engine(aclfile=str(path))
    with server.conn() as admin, server.conn() as user:
        assert admin.call("ACL", "USERS") == [b"a", b"default"]
        user.call("AUTH", "a", "x")
        admin.call("ACL", "SETUSER", "b", "on")
        assert admin.call("ACL", "SAVE") == b"OK"
        assert [line.split()[1] for line in path.read_text().splitlines()] == ["a", "b", "default"]
        path.write_text("user a nonsense\n")
        assert str(admin.call("ACL", "LOAD")).startswith("ERR %s:1: Syntax error." % path)
        assert admin.call("ACL", "USERS") == [b"a", b"b", b"default"]
        path.write_text("user b on nopass +ping\n")
        assert admin.call("ACL", "LOAD") == b"OK"
        assert admin.call("ACL", "USERS") == [b"b", b"default"]
        with pytest.raises((Closed, ConnectionError)):
            user.call("PING")
        os.remove(path)
        assert str(admin.call("ACL", "LOAD")).startswith("ERR Error loading ACLs, opening file")


def test_without_a_file_there_is_none_to_load(engine):
    with engine.conn() as conn:
        for word in ("LOAD", "SAVE"):
            assert str(conn.call("ACL", word)).startswith("ERR This instance is not configured to use an ACL file.")


def test_a_wrong_file_keeps_the_server_from_starting(tmp_path):
    path = tmp_path / "users.acl"
    path.write_text("user a nonsense\n")
    with pytest.raises(AssertionError, match="Syntax error"):
        servers.engine(aclfile=str(path))


def test_the_default_user_may_be_closed(own_engine):
    server = own_engine(requirepass="secret")
    with server.conn() as conn:
        assert str(conn.call("PING")).startswith("NOAUTH")
        assert conn.call("AUTH", "secret") == b"OK"
        conn.call("ACL", "SETUSER", "default", "nopass")
        with server.conn() as other:
            assert other.call("PING") == b"PONG"
        conn.call("CONFIG", "SET", "requirepass", "secret")
        with server.conn() as other:
            assert str(other.call("PING")).startswith("NOAUTH")
        conn.call("ACL", "SETUSER", "default", "off")
        with server.conn() as other:
            assert str(other.call("AUTH", "secret")).startswith("WRONGPASS")
