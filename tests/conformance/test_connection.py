"""Commands about connections, seen from two of them."""

import pytest
import servers
from wire import Closed, Error, command


def test_quit_says_ok_and_closes(engine):
    with engine.conn() as conn:
        conn.send(command("QUIT") + command("SET", "k", "v"))
        assert conn.read_to_close() == b"+OK\r\n"
    with engine.conn() as conn:
        assert conn.call("EXISTS", "k") == 0


def test_reset_brings_the_connection_back_to_its_beginning(engine):
    with engine.conn(resp3=True) as conn:
        conn.batch([["SELECT", "5"], ["CLIENT", "SETNAME", "n"], ["MULTI"], ["SET", "k", "v"]])
        assert conn.raw("RESET") == b"+RESET\r\n"
        assert conn.raw("GET", "none") == b"$-1\r\n"
        assert conn.call("CLIENT", "GETNAME") is None
        conn.call("SET", "k", "v")
        conn.call("SELECT", 0)
        assert conn.call("GET", "k") == b"v"


def test_reset_asks_for_the_password_again(own_engine):
    server = own_engine(requirepass="secret")
    with server.conn() as conn:
        assert conn.call("GET", "k") == Error("NOAUTH Authentication required.")
        assert conn.call("HELLO", "3").startswith("NOAUTH HELLO must be called")
        assert conn.call("AUTH", "default", "secret") == b"OK"
        assert conn.call("GET", "k") is None
        conn.call("RESET")
        assert conn.call("GET", "k") == Error("NOAUTH Authentication required.")
        assert dict(conn.call("HELLO", "3", "AUTH", "default", "secret"))[b"proto"] == 3


def test_client_reply_off_silences_until_on(engine):
    with engine.conn() as conn:
        conn.send(command("CLIENT", "REPLY", "OFF") + command("SET", "k", "v") + command("GET", "k")
                  + command("NOSUCH") + command("CLIENT", "REPLY", "ON") + command("GET", "k"))
        assert conn.read_reply() == b"+OK\r\n"
        assert conn.read_reply() == b"$1\r\nv\r\n"


@pytest.mark.parametrize("filter_of", [
    lambda c: ["ID", c.call("CLIENT", "ID")],
    lambda c: ["ADDR", "%s:%d" % c.sock.getsockname()],
])
def test_a_client_can_be_killed_by(engine, filter_of):
    with engine.conn() as victim, engine.conn() as killer:
        if b"client|kill" not in killer.call("COMMAND", "LIST"):
            pytest.skip("no CLIENT KILL yet")
        assert killer.call("CLIENT", "KILL", *filter_of(victim)) == 1
        with pytest.raises((Closed, ConnectionError)):
            victim.call("PING")


def test_client_list_names_all_clients(engine):
    with engine.conn() as a, engine.conn() as b:
        a.call("CLIENT", "SETNAME", "alice")
        b.call("CLIENT", "SETNAME", "bob")
        b.call("SELECT", "3")
        lines = [dict(f.split("=", 1) for f in line.split()) for line in a.call("CLIENT", "LIST").decode().splitlines()]
        by_name = {line["name"]: line for line in lines}
        assert by_name["alice"]["cmd"] == "client|list" and by_name["bob"]["cmd"] == "select"
        assert by_name["bob"]["db"] == "3" and by_name["bob"]["addr"] == "%s:%d" % b.sock.getsockname()
        assert by_name["alice"]["laddr"] == "%s:%d" % engine.address
        assert int(by_name["alice"]["id"]) < int(by_name["bob"]["id"])


def test_watch_sees_what_another_client_does(engine):
    with engine.conn() as a, engine.conn() as b:
        if b"watch" not in a.call("COMMAND", "LIST"):
            pytest.skip("no WATCH yet")
        for change in (["SET", "k", "2"], ["DEL", "k"], ["EXPIRE", "k", "100"], ["FLUSHALL"], ["SWAPDB", "0", "1"]):
            a.batch([["SET", "k", "1"], ["WATCH", "k"]])
            b.call(*change)
            assert a.batch([["MULTI"], ["PING"], ["EXEC"]])[-1] == b"*-1\r\n", change
        a.batch([["SET", "k", "1"], ["WATCH", "k"]])
        b.batch([["SET", "other", "2"], ["GET", "k"], ["TTL", "k"]])
        assert a.batch([["MULTI"], ["PING"], ["EXEC"]])[-1] == b"*1\r\n+PONG\r\n"
        a.batch([["SET", "k", "1", "PX", "20"], ["WATCH", "k"]])
        servers.wait_for(lambda: b.call("EXISTS", "k") == 0, "the key expires")
        assert a.batch([["MULTI"], ["PING"], ["EXEC"]])[-1] in (b"*-1\r\n", b"*1\r\n+PONG\r\n")


def test_databases_are_apart(engine):
    with engine.conn() as a, engine.conn() as b:
        b.call("SELECT", "1")
        a.call("SET", "k", "zero")
        b.call("SET", "k", "one")
        assert (a.call("GET", "k"), b.call("GET", "k")) == (b"zero", b"one")
        assert a.call("SWAPDB", "0", "1") == b"OK"
        assert (a.call("GET", "k"), b.call("GET", "k")) == (b"one", b"zero")
        assert b.call("FLUSHDB") == b"OK"
        assert (a.call("DBSIZE"), b.call("DBSIZE")) == (1, 0)
