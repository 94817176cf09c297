"""maxmemory holds under each policy, and expired keys go away."""

import random
import time

import pytest
import servers
from wire import Error, command

LIMIT = 12 << 20


def info(conn, section="all"):
    lines = conn.call("INFO", section).decode().splitlines()
    return dict(line.split(":", 1) for line in lines if ":" in line)


def used(conn):
    return int(info(conn, "memory")["used_memory"])


def fill(conn, first, count, size=200, ttl=None, batch=500):
    """Sets keys; returns the replies that are not OK."""
    refused = []
    for at in range(first, first + count, batch):
        commands = [["SET", "key:%09d" % i, "x" * size] + (["EX", 3600 + i % 100] if ttl else [])
                    for i in range(at, min(at + batch, first + count))]
        refused += [r for r in conn.batch(commands) if r != b"+OK\r\n"]
    return refused


EVICTING = ["allkeys-lru", "allkeys-lfu", "allkeys-random", "volatile-lru", "volatile-lfu", "volatile-random",
            "volatile-ttl"]


@pytest.mark.parametrize("policy", EVICTING)
def test_maxmemory_holds_within_one_percent(own_engine, policy):
    server = own_engine(maxmemory=LIMIT, maxmemory_policy=policy)
    with server.conn() as conn:
        most = 0
        for round_ in range(16):
            assert not fill(conn, round_ * 5000, 5000, size=random.Random(round_).choice([10, 200, 400]),
                            ttl=policy.startswith("volatile"))
            most = max(most, used(conn))
        assert most <= LIMIT * 1.01
        assert used(conn) > LIMIT * 0.9, "it evicts far more than it must"
        assert int(info(conn, "stats")["evicted_keys"]) > 0
        assert server.rss_bytes() < LIMIT * 1.25 + (12 << 20)


def test_noeviction_refuses_writes_and_serves_reads(own_engine):
    server = own_engine(maxmemory=LIMIT, maxmemory_policy="noeviction")
    oom = b"-OOM command not allowed when used memory > 'maxmemory'.\r\n"
    with server.conn() as conn:
        refused = fill(conn, 0, 80000)
        assert refused and set(refused) == {oom}
        assert used(conn) <= LIMIT * 1.01
        assert conn.call("GET", "key:000000000") == b"x" * 200
        assert conn.raw("SET", "another", "x") == oom
        assert conn.batch([["MULTI"], ["SET", "a", "b"], ["EXEC"]])[1:] == [
            oom, b"-EXECABORT Transaction discarded because of previous errors.\r\n"]
        assert conn.call("DEL", "key:000000000") == 1
        conn.call("CONFIG", "SET", "maxmemory", "0")
        assert conn.call("SET", "another", "x") == b"OK"


def test_volatile_policies_leave_lasting_keys_alone(own_engine):
    server = own_engine(maxmemory=LIMIT, maxmemory_policy="volatile-lru")
    with server.conn() as conn:
        conn.batch([["SET", "lasting:%d" % i, "x" * 100] for i in range(2000)])
        fill(conn, 0, 60000, ttl=True)
        assert conn.call("EXISTS", *["lasting:%d" % i for i in range(2000)]) == 2000
        refused = fill(conn, 10**6, 80000)
        assert refused and refused[0].startswith(b"-OOM"), "no key may be evicted any more"


def test_lru_keeps_what_is_read_often(own_engine):
    server = own_engine(maxmemory=LIMIT, maxmemory_policy="allkeys-lru")
    with server.conn() as conn:
        conn.batch([["SET", "hot:%d" % i, "x" * 200] for i in range(1000)])
        # Recency counts in whole seconds: each round writes a third of the memory, reads the hot keys, and
        # ends with the second.
        for round_ in range(4):
            fill(conn, round_ * 14000, 14000)
            conn.batch([["GET", "hot:%d" % i] for i in range(1000)])
            second = int(time.time())
            servers.wait_for(lambda at=second: int(time.time()) > at, "the next second")
        kept = conn.call("EXISTS", *["hot:%d" % i for i in range(1000)])
        assert int(info(conn, "stats")["evicted_keys"]) > 0
        assert kept > 900


def test_volatile_ttl_evicts_the_nearest_deadline_first(own_engine):
    server = own_engine(maxmemory=LIMIT, maxmemory_policy="volatile-ttl")
    with server.conn() as conn:
        conn.batch([["SET", "late:%d" % i, "x" * 200, "EX", 10**6] for i in range(10000)])
        conn.batch([["SET", "soon:%d" % i, "x" * 200, "EX", 1000] for i in range(10000)])
        fill(conn, 0, 45000, ttl=True)
        late = conn.call("EXISTS", *["late:%d" % i for i in range(10000)])
        soon = conn.call("EXISTS", *["soon:%d" % i for i in range(10000)])
        assert late > 9500 > soon + 2500


def test_memory_comes_back_when_keys_go(own_engine):
    server = own_engine()
    with server.conn() as conn:
        empty = used(conn)
        fill(conn, 0, 50000)
        full = used(conn)
        assert full > empty + 50000 * 200
        conn.batch([["DEL", "key:%09d" % i] for i in range(50000)])
        assert conn.call("DBSIZE") == 0
        assert used(conn) < empty + (full - empty) * 0.1
        fill(conn, 0, 50000)
        conn.call("FLUSHALL")
        servers.wait_for(lambda: used(conn) < empty + (full - empty) * 0.05, "FLUSHALL gives the memory back")


def test_used_memory_is_exact_over_churn(own_engine):
    """Whatever is written, overwritten and removed: an empty keyspace ends where it began."""
    server = own_engine()
    rng = random.Random(5)
    with server.conn() as conn:
        conn.batch([["SET", "k", "v"], ["DEL", "k"]])
        before = used(conn)
        for _ in range(30):
            commands = []
            for _ in range(1000):
                key = "k%d" % rng.randrange(300)
                commands.append(rng.choice([
                    ["SET", key, "x" * rng.choice([1, 50, 300, 5000, 40000])], ["APPEND", key, "y" * rng.choice([1, 700])],
                    ["DEL", key], ["SET", key, rng.randrange(10**6)], ["EXPIRE", key, 1000], ["INCR", key],
                    ["SETRANGE", key, rng.choice([0, 100, 20000]), "zz"], ["RENAME", key, "k%d" % rng.randrange(300)],
                    ["COPY", key, "k%d" % rng.randrange(300), "REPLACE"], ["UNLINK", key], ["PERSIST", key]]))
            conn.batch(commands)
        conn.call("FLUSHALL")
        servers.wait_for(lambda: abs(used(conn) - before) <= 65536, "used_memory is back at %d" % before, within=5)


# Expiry -------------------------------------------------------------------------------------------

def test_expired_keys_are_never_seen(own_engine):
    """Even when nothing removes them: each way to look at a key hides it."""
    server = own_engine()
    with server.conn() as conn:
        conn.call("DEBUG", "SET-ACTIVE-EXPIRE", "0")
        conn.batch([["SET", "k%d" % i, "v", "PX", "30"] for i in range(100)] + [["SET", "stays", "v"]])
        servers.wait_for(lambda: conn.call("PTTL", "k99") == -2, "the deadline passes")
        looks = [["GET", "k0"], ["EXISTS", "k1", "k2"], ["TYPE", "k3"], ["TTL", "k4"], ["STRLEN", "k5"],
                 ["MGET", "k6", "k7"], ["DEL", "k8"], ["RENAME", "k9", "x"], ["INCR", "k10"], ["APPEND", "k11", "a"],
                 ["SET", "k12", "v", "XX"], ["SETNX", "k13", "n"], ["GETDEL", "k14"], ["PERSIST", "k15"],
                 ["EXPIRE", "k16", "10"], ["OBJECT", "ENCODING", "k17"], ["GETRANGE", "k18", "0", "-1"], ["TOUCH", "k19"],
                 ["COPY", "k20", "y"], ["UNLINK", "k21"], ["DUMP", "k22"], ["SET", "k23", "v", "GET"]]
        want = [None, 0, b"none", -2, 0, [None, None], 0, Error("ERR no such key"), 1, 1, None, 1, None, 0, 0, None,
                b"", 0, 0, 0, None, None]
        names = conn.call("COMMAND", "LIST")
        for look, expected in zip(looks, want):
            if look[0].lower().encode() in names:
                got = conn.call(*look)
                assert got == expected, look
        keys = conn.call("KEYS", "*")
        assert sorted(keys) == [b"k10", b"k11", b"k13", b"k23", b"stays"]
        assert sorted(conn.call("SCAN", 0, "COUNT", 1000)[1]) == sorted(keys)
        for _ in range(50):
            assert conn.call("RANDOMKEY") in keys


def test_expired_keys_go_away_by_themselves(own_engine):
    server = own_engine()
    with server.conn() as conn:
        for at in range(0, 50000, 1000):
            conn.batch([["SET", "gone:%d" % i, "x" * 100, "PX", 1200 + i % 300] for i in range(at, at + 1000)])
        conn.batch([["SET", "stays:%d" % i, "v", "EX", "1000"] for i in range(1000)])
        full = used(conn)
        servers.wait_for(lambda: conn.call("DBSIZE") == 1000, "only the lasting keys are left", within=10)
        assert used(conn) < full / 4
        assert int(info(conn, "stats")["expired_keys"]) == 50000
        assert info(conn, "keyspace")["db0"].startswith("keys=1000,expires=1000,")


def test_expiry_is_quick_but_does_not_block(own_engine):
    """100,000 keys due at one instant go while other commands are answered."""
    server = own_engine()
    with server.conn() as conn, server.conn() as other:
        at_ms = int(time.time() * 1000) + 1500
        for at in range(0, 100000, 2000):
            conn.send(b"".join(command("SET", "k%d" % i, "v", "PXAT", at_ms) for i in range(at, at + 2000)))
            for _ in range(2000):
                conn.read_reply()
        worst = 0.0
        while conn.call("DBSIZE") > 0:
            began = time.monotonic()
            other.call("PING")
            worst = max(worst, time.monotonic() - began)
            assert time.time() * 1000 < at_ms + 10000, "%d keys are still there" % conn.call("DBSIZE")
        assert worst < 0.1


def test_scan_keeps_its_guarantees_while_the_keyspace_changes(own_engine):
    server = own_engine()
    rng = random.Random(3)
    with server.conn() as conn, server.conn() as writer:
        lasting = {b"lasting:%d" % i for i in range(3000)}
        conn.batch([["SET", key, "v"] for key in lasting])
        cursor, seen, rounds = b"0", set(), 0
        while True:
            cursor, keys = conn.call("SCAN", cursor, "COUNT", "20")
            seen |= set(keys)
            writer.batch([["SET", "t%d" % rng.randrange(20000), "v"] for _ in range(150)] +
                         [["DEL", "t%d" % rng.randrange(20000)] for _ in range(50)])
            rounds += 1
            assert rounds < 50000
            if cursor == b"0":
                break
        assert lasting <= seen


def test_reads_of_info_have_what_monitoring_reads(engine):
    wanted = """redis_version process_id tcp_port uptime_in_seconds uptime_in_days hz run_id os arch_bits
    connected_clients maxclients blocked_clients client_recent_max_input_buffer
    used_memory used_memory_human used_memory_rss used_memory_peak used_memory_dataset used_memory_overhead
    used_memory_startup mem_fragmentation_ratio maxmemory maxmemory_human maxmemory_policy mem_clients_normal
    mem_not_counted_for_evict allocator_allocated allocator_active allocator_resident lazyfree_pending_objects
    lazyfreed_objects loading rdb_changes_since_last_save rdb_bgsave_in_progress aof_enabled aof_rewrite_in_progress
    total_connections_received total_commands_processed instantaneous_ops_per_sec total_net_input_bytes
    total_net_output_bytes rejected_connections expired_keys evicted_keys keyspace_hits keyspace_misses
    total_error_replies role connected_slaves master_replid master_repl_offset used_cpu_sys used_cpu_user
    cluster_enabled db0 tracking_clients""".split()
    with engine.conn() as conn:
        conn.call("SET", "k", "v")
        fields = info(conn, "everything")
    missing = [f for f in wanted if f not in fields]
    assert not missing, "INFO lacks: " + " ".join(missing)
    assert int(fields["process_id"]) == engine.pid
