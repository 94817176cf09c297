"""Who dies amid a hand-over of slots: whatever dies when, the slots have one server at every moment at most, and when
the control plane has looked and told, exactly one; what was acknowledged is there once."""

import collections
import os
import random
import select
import signal
import socket
import threading
import time

import clusters
import pytest
import servers
from wire import Closed, Error

TAGS = ["bar", "baz"]  # of the first shard when there are two
SLOTS = {5061, 4813}
PROBE = "probe{bar}"


class Gate:
    """A relay from the source to the target that stops what is said at one moment: "ask", when the target is asked to
    take the slots, or "tell", when it says that it has."""

    WORDS = {"ask": b"TAKE\r\n", "tell": b"+TAKEN"}

    def __init__(self, port, stops_at):
        self.port, self.stops_at, self.held = port, stops_at, None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.own_port = self.listener.getsockname()[1]
        self.pairs, self.is_open = [], True
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while self.is_open:
            ready, _, _ = select.select([self.listener] + [s for pair in self.pairs for s in pair], [], [], 0.02)
            with self.lock:
                for s in ready:
                    self.serve(s)

    def serve(self, s):
        if s is self.listener:
            end = s.accept()[0]
            try:
                self.pairs.append((end, socket.create_connection(("127.0.0.1", self.port))))
            except OSError:
                end.close()
            return
        pair = next((p for p in self.pairs if s in p), None)
        if pair is None:
            return
        try:
            data, other = s.recv(1 << 16), pair[s is pair[0]]
            if self.stops_at and self.WORDS[self.stops_at] in data:
                self.held, self.stops_at = (other, data), None
            elif data:
                other.sendall(data)
        except OSError:
            data = b""
        if not data:
            self.drop(pair)

    def drop(self, pair):
        self.pairs.remove(pair)
        for end in pair:
            # What is held may still be on its way when who has sent it is dead.
            if not self.held or end is not self.held[0]:
                end.close()

    def release(self):
        with self.lock:
            held, self.held, self.stops_at = self.held, None, None
            try:
                if held:
                    held[0].sendall(held[1])
            except OSError:
                pass

    def close(self):
        self.is_open = False
        self.thread.join()
        self.listener.close()
        for end in [s for pair in self.pairs for s in pair] + [self.held[0] if self.held else self.listener]:
            end.close()


class Wanderer:
    """A connection to whichever node is up and says that it serves."""

    def __init__(self, nodes):
        self.nodes, self.conns = nodes, {}
        self.port = nodes[0].port

    def call(self, *words):
        """The answer of who serves, or an error; None when nobody knows what has become of the command."""
        try:
            if self.port not in self.conns:
                self.conns[self.port] = next(n for n in self.nodes if n.port == self.port).conn(timeout=5.0)
            answer = self.conns[self.port].call(*words)
        except (OSError, Closed):
            self.forget(self.port)
            self.port = random.choice(self.nodes).port
            time.sleep(0.002)
            return None
        if isinstance(answer, Error) and answer.startswith("MOVED "):
            self.port = int(answer.rsplit(":", 1)[1])
        return answer

    def forget(self, port):
        conn = self.conns.pop(port, None)
        if conn:
            conn.close()

    def close(self):
        for port in list(self.conns):
            self.forget(port)


class Writer(threading.Thread):
    """Appends words to lists, each once, and knows which were acknowledged."""

    def __init__(self, nodes, number):
        super().__init__(daemon=True)
        self.client, self.number = Wanderer(nodes), number
        self.is_stopped, self.said, self.acknowledged = False, 0, []

    def run(self):
        while not self.is_stopped:
            self.said += 1
            word = "%d-%d" % (self.number, self.said)
            tag = TAGS[self.said % len(TAGS)]
            answer = self.client.call("RPUSH", "list{%s}" % tag, word)
            if isinstance(answer, int):
                self.acknowledged.append((tag, word))
            elif answer is not None:
                assert isinstance(answer, Error), answer
                time.sleep(0.001)
        self.client.close()


class Watcher(threading.Thread):
    """Asks one node over and over, and notes when it served the slot: (asked, answered)."""

    def __init__(self, node):
        super().__init__(daemon=True)
        self.node, self.is_stopped, self.served, self.conn = node, False, [], None

    def run(self):
        while not self.is_stopped:
            asked = time.monotonic()
            try:
                self.conn = self.conn or self.node.conn(timeout=5.0)
                answer = self.conn.call("GET", PROBE)
            except (OSError, Closed):
                answer = Error("gone")
                if self.conn:
                    self.conn.close()
                self.conn = None
            if not isinstance(answer, Error):
                self.served.append((asked, time.monotonic()))
            time.sleep(0.001)
        if self.conn:
            self.conn.close()


class Play:
    """Two shards with writers and watchers; slots go to and fro, and each time somebody dies."""

    def __init__(self, seed, replicas=0, **options):
        self.rng = random.Random("hand-over %s %s" % (seed, options))
        self.c = clusters.Cluster(shards=2, replicas=replicas, repl_diskless_sync_delay="0", **options)
        self.where, self.term, self.has_replicas = 0, 1, replicas > 0
        self.outcomes = collections.Counter()
        if replicas:
            self.replicate()
        with self.c.primary(0).conn() as conn:
            conn.batch([["SET", "k%d{bar}" % i, "v" * 100] for i in range(3000)] + [["SET", PROBE, "here"]])
        self.watchers = [Watcher(n) for n in self.c.nodes]
        self.writers = [Writer(self.c.nodes, n) for n in range(2)]
        for t in self.watchers + self.writers:
            t.start()

    def replicate(self):
        for shard in (0, 1):
            primary, replica = self.c.primary(shard), self.replica(shard)
            assert primary.admin("LARDER.ROLE", self.term, "primary") == b"OK"
            assert replica.admin("LARDER.ROLE", self.term, "replica", "127.0.0.1", primary.port) == b"OK"
            self.wait_replica(shard)

    def wait_replica(self, shard):
        primary, replica = self.c.primary(shard), self.replica(shard)
        servers.wait_for(lambda: b"master_link_status:up" in replica.admin("INFO", "replication"), "it follows")
        assert primary.admin("CONFIG", "SET", "larder-write-acks", 1) == b"OK"

    def replica(self, shard):
        return next(n for n in self.c.nodes if n.shard == shard and not n.is_primary)

    def state(self, node, move):
        return (self.c.status(node, move) or {}).get(b"state", b"-")

    def come_to(self, phase, move, gate):
        """Waits until the migration is in a phase, as far as that can be waited for."""
        source, target = self.c.primary(self.where), self.c.primary(1 - self.where)
        if phase == "copies":
            time.sleep(self.rng.random() * 0.02)
        elif phase in ("ask", "tell"):
            servers.wait_for(lambda: gate.held, "the moment has come")
        elif phase == "gives":
            servers.wait_for(lambda: self.state(source, move) == b"gives", "the record is on its way")
        elif phase == "done":
            servers.wait_for(lambda: self.state(source, move) == b"done", "the slots are handed over")
        assert target.server.is_alive() and source.server.is_alive()

    def bring_back(self, victim, keeps_files=True):
        """The process anew, with the topology that all have."""
        victim.start_again(keeps_files=keeps_files)
        assert victim.admin("LARDER.TOPOLOGY", *self.c.words(victim)) == b"OK"

    def promote(self, victim):
        other = self.replica(victim.shard)
        self.term += 1
        assert other.admin("LARDER.ROLE", self.term, "primary") == b"OK"
        assert other.admin("CONFIG", "SET", "larder-write-acks", 0) == b"OK"
        victim.is_primary, victim.health, other.is_primary = False, "fail", True
        self.c.publish(only=[n for n in self.c.nodes if n is not victim])
        return other

    def rejoin(self, victim):
        victim.start_again(keeps_files=False)
        victim.health = "online"
        self.c.publish()
        primary = self.c.primary(victim.shard)
        assert victim.admin("LARDER.ROLE", self.term, "replica", "127.0.0.1", primary.port) == b"OK"
        self.wait_replica(victim.shard)
        # What was acknowledged before is with the replica, too, when it has acknowledged something.
        self.wait_writes()

    def decide(self, move, within=10.0):
        """What the control plane does with what it sees: it waits while the nodes are about it, gives up what goes on
        nowhere, and tells all. True when the slots have moved."""
        source, target = self.c.primary(self.where), self.c.primary(1 - self.where)

        def look():
            out, into = self.state(source, move), self.state(target, move)
            if into == b"taken" or out == b"done":
                return "moved"
            # The source has no memory of it, or cannot reach who has come in the target's place.
            if out in (b"-", b"failed") or (self.has_replicas and into == b"expected"):
                return "stays"
            return None
        outcome = servers.wait_for(look, "it is clear whose the slots are", within)
        if outcome == "stays":
            answer = target.admin("LARDER.MIGRATE", "CANCEL", move)
            if isinstance(answer, Error) and "were taken" in answer:
                outcome = "moved"
            else:
                source.admin("LARDER.MIGRATE", "CANCEL", move)
        if outcome == "moved":
            self.c.give(SLOTS, self.where, 1 - self.where)
        self.c.publish(only=[n for n in self.c.nodes if n.server.is_alive()])
        return outcome == "moved"

    def served(self, shard, since):
        return [s for w in self.watchers if w.node.shard == shard for s in w.served if s[0] >= since]

    def check_moment(self, since, has_moved):
        """Once the target has served, the source never does; and where the slots stay, the target never did."""
        there = self.served(1 - self.where, since)
        if there and not has_moved:
            raise AssertionError("the target served slots that it did not get")
        first = min((answered for _, answered in there), default=None)
        late = [s for s in self.served(self.where, since) if first is not None and s[0] > first]
        assert not late, "both served: %r after %r" % (late[:3], first)

    def check_settled(self):
        """Exactly one node serves, and soon after."""
        owner = self.c.primary(self.where)
        for node in self.c.nodes:
            if not node.server.is_alive():
                continue
            with node.conn() as conn:
                for tag in TAGS:
                    answer = conn.call("EXISTS", "list{%s}" % tag)
                    assert isinstance(answer, Error) == (node is not owner), (node.number, answer)
        assert [n.admin("LARDER.SLOTS") for n in self.c.nodes if n.server.is_alive() and n.is_primary] == [[], []]

    def check_words(self):
        """Every acknowledged word is there once, and in its writer's order."""
        acknowledged = {n: list(w.acknowledged) for n, w in enumerate(self.writers)}
        with self.c.primary(self.where).conn() as conn:
            for tag in TAGS:
                found = [w.decode() for w in conn.call("LRANGE", "list{%s}" % tag, 0, -1)]
                assert len(found) == len(set(found)), "words are there twice"
                places = {w: i for i, w in enumerate(found)}
                for number in acknowledged:
                    words = [w for t, w in acknowledged[number] if t == tag]
                    lost = [w for w in words if w not in places]
                    assert not lost, "lost: %r of %d" % (lost[:5], len(words))
                    assert [places[w] for w in words] == sorted(places[w] for w in words)

    def begin(self, phase):
        if phase == "gives":
            os.kill(self.replica(self.where).server.pid, signal.SIGSTOP)
        target = self.c.primary(1 - self.where)
        gate = Gate(target.port, phase if phase in ("ask", "tell") else None)
        since = time.monotonic()
        return gate, since, self.c.begin_move(SLOTS, self.where, 1 - self.where, port=gate.own_port)

    def wait_writes(self):
        """Writers go on: somebody serves."""
        before = [len(w.acknowledged) for w in self.writers]
        servers.wait_for(lambda: all(len(w.acknowledged) > n + 3 for w, n in zip(self.writers, before)),
                         "writes are acknowledged")

    def end_round(self, gate, phase, has_moved):
        gate.close()
        self.outcomes[phase, "moved" if has_moved else "stays"] += 1
        if has_moved:
            self.where = 1 - self.where
        self.wait_writes()
        self.check_settled()

    def stop(self):
        for t in self.watchers + self.writers:
            t.is_stopped = True
        for t in self.watchers + self.writers:
            t.join()
        self.c.stop()


PHASES = ["copies", "ask", "tell", "done", "copies", "copies", "ask", "tell"]


def victim_of(play, name):
    return play.c.primary(play.where if name == "source" else 1 - play.where)


def check_memory(play, node, who, phase):
    """Where it is certain what a node knows who takes the place of a dead one: at once, under the old topology."""
    if phase not in (("ask", "tell", "done") if who == "source" else ("tell", "done")):
        return
    with node.conn() as conn:
        answer = conn.call("LLEN", "list{bar}")
    if who == "source":
        assert isinstance(answer, Error) and answer.startswith("MOVED 5061 "), answer
    else:
        assert isinstance(answer, int) and answer > 0, answer


@pytest.mark.parametrize("who", ["source", "target", "both"])
def test_who_is_started_anew_knows_what_was_handed_over(seed, who):
    play = Play(seed, appendonly="yes", appendfsync="always")
    try:
        for phase in PHASES:
            gate, since, move = play.begin(phase)
            play.come_to(phase, move, gate)
            names = ["source", "target"] if who == "both" else [who]
            victims = [(name, victim_of(play, name)) for name in names]
            for _, victim in victims:
                victim.kill()
            # What was on its way when it died may come, or not.
            if play.rng.random() < 0.5:
                gate.release()
            play.rng.shuffle(victims)
            for name, victim in victims:
                play.bring_back(victim)
                if who != "both" or phase != "ask":
                    check_memory(play, victim, name, phase)
            gate.release()
            has_moved = play.decide(move)
            play.check_moment(since, has_moved)
            play.end_round(gate, phase, has_moved)
            play.check_words()
        print(who, dict(play.outcomes))
        assert play.outcomes["done", "stays"] == play.outcomes["tell", "stays"] == 0
    finally:
        play.stop()


@pytest.mark.parametrize("who", ["source", "target"])
def test_who_is_promoted_knows_what_was_handed_over(seed, who):
    play = Play(seed, replicas=1)
    try:
        for phase in PHASES[:5] + ["gives"]:
            frozen = play.replica(play.where)
            gate, since, move = play.begin(phase)
            play.come_to(phase, move, gate)
            victim = victim_of(play, who)
            victim.kill()
            if play.rng.random() < 0.5:
                gate.release()
            if phase == "gives":
                os.kill(frozen.server.pid, signal.SIGCONT)
            check_memory(play, play.promote(victim), who, phase)
            gate.release()
            has_moved = play.decide(move)
            play.check_moment(since, has_moved)
            play.end_round(gate, phase, has_moved)
            play.check_words()
            play.rejoin(victim)
        print(who, dict(play.outcomes))
        assert play.outcomes["done", "stays"] == 0
    finally:
        play.stop()


@pytest.mark.parametrize("who", ["source", "target"])
def test_who_has_lost_its_memory_serves_what_it_is_told_to(seed, who):
    """Nothing is on disks: the control plane asks before it tells, and gives back what the target lost."""
    play = Play(seed)
    try:
        for phase in PHASES[:5]:
            gate, since, move = play.begin(phase)
            play.come_to(phase, move, gate)
            victim = victim_of(play, who)
            source, target = play.c.primary(play.where), play.c.primary(1 - play.where)
            victim.kill()
            gate.release()
            victim.start_again()
            with victim.conn() as conn:
                assert conn.call("GET", PROBE).startswith("CLUSTERDOWN")
            if who == "source":
                has_moved = play.decide(move)
                play.check_moment(since, has_moved)
            else:
                assert target.admin("LARDER.MIGRATE", "CANCEL", move).startswith("ERR there is no such migration")
                assert source.admin("LARDER.MIGRATE", "RETURN", move) == b"OK"
                with source.conn() as conn:
                    assert conn.call("EXISTS", "k1{bar}") == 1
                play.c.publish()
                has_moved = False
            play.end_round(gate, phase, has_moved)
            with play.c.primary(play.where).conn() as conn:
                conn.batch([["SET", "k%d{bar}" % i, "v" * 100] for i in range(3000)] + [["SET", PROBE, "here"]])
        print(who, dict(play.outcomes))
    finally:
        play.stop()


def test_replicas_that_are_too_slow_to_hear_of_it_put_it_off(seed):
    """A replica of the source that stands still does not know that the slots are given: they are not, until it does."""
    play = Play(seed, replicas=1)
    try:
        source, replica = play.c.primary(0), play.replica(0)
        assert source.admin("CONFIG", "SET", "larder-write-acks", 0) == b"OK"
        os.kill(replica.server.pid, signal.SIGSTOP)
        try:
            gate, since, move = play.begin("done")
            servers.wait_for(lambda: play.state(source, move) == b"gives", "it is given")
            servers.wait_for(lambda: play.state(source, move) in (b"copies", b"pauses"), "it is taken back")
            play.wait_writes()
            assert play.served(1, since) == []
        finally:
            os.kill(replica.server.pid, signal.SIGCONT)
        servers.wait_for(lambda: play.state(source, move) == b"done", "it is handed over")
        lines = source.admin("LARDER.SLOTS")
        assert len(lines) == 1 and lines[0].startswith(b"handed " + move.encode())
        servers.wait_for(lambda: replica.admin("LARDER.SLOTS") == lines, "the replica knows it")
        taken = play.c.primary(1).admin("LARDER.SLOTS")
        assert taken[0].startswith(b"taken " + move.encode()) and play.replica(1).admin("LARDER.SLOTS") == taken
        for shard in (0, 1):
            servers.wait_for(lambda s=shard: play.c.primary(s).admin("DEBUG", "DIGEST") == play.replica(s).admin("DEBUG", "DIGEST"),
                             "they agree")
        has_moved = play.decide(move)
        play.check_moment(since, has_moved)
        play.end_round(gate, "gives", has_moved)
        play.check_words()
    finally:
        play.stop()
