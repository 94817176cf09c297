"""Sends one sequence of commands to the reference and to the engine, and compares every raw reply.

A sequence starts on an empty server and ends with a look at the whole keyspace, so that a difference in
state shows even when no drawn command happened to read it. A difference is shrunk to the few commands
that it needs before it is reported.
"""

import random
import socket

import compare
import pytest
from gen import FAMILIES, TABLE
from gen.atoms import TIMELESS, any_key, expand
from servers import wait_for
from wire import Closed, Conn, command, frame_end, to_bytes

MAX_SHRINK_RUNS = 150
READERS = {b"+string": ["GET"], b"+list": ["LRANGE", 0, -1], b"+hash": ["HGETALL"], b"+set": ["SMEMBERS"],
           b"+zset": ["ZRANGE", 0, -1, "WITHSCORES"], b"+stream": ["XRANGE", "-", "+"]}


class Step:
    """One command with the rule that compares its replies."""

    def __init__(self, args, rule=compare.same, want=None):
        self.args, self.rule, self.want = [to_bytes(a) for a in args], rule, want

    @property
    def word(self):
        return self.args[0].lower() if self.args else b""

    def __str__(self):
        return " ".join(quote(a) for a in self.args)


def quote(arg):
    """The argument as redis-cli takes it."""
    text = arg.decode("latin-1")
    if text and all(" " < c <= "~" and c not in "\"'\\" for c in text):
        return text if len(text) < 400 else text[:60] + "...(%d bytes)" % len(text)
    escaped = "".join(c if " " <= c <= "~" and c not in '"\\' else "\\x%02x" % ord(c) for c in text[:400])
    return '"%s"' % escaped


class Diff:
    """A command whose replies are not the same, with the commands that lead to it."""

    def __init__(self, steps, ref, ours):
        self.steps, self.ref, self.ours = steps, ref, ours

    @property
    def key(self):
        return self.steps[-1].word, self.ref[:12], self.ours[:12]

    def __str__(self):
        lines = ["    " + str(s) for s in self.steps]
        return "\n".join(lines + ["      reference: %r" % self.ref[:600], "      engine:    %r" % self.ours[:600]])


# Drawing -------------------------------------------------------------------------------------------

def mutate(rng, args):
    """The command with a mistake such as clients make: an argument missing, one too many, a strange one."""
    args = list(args)
    pick = rng.randrange(4)
    if pick == 0 and len(args) > 1:
        args.pop()
    elif pick == 1:
        args.append(rng.choice(["x", "", 0, "NX", "WITHSCORES"]))
    elif pick == 2 and len(args) > 2:
        args[rng.randrange(2, len(args))] = rng.choice(TIMELESS + ["nan", "x", b"\x00"])
    elif len(args) > 1:
        args[1] = any_key(rng)
    return args


def draw_command(rng, name):
    gen = TABLE[name]
    args = gen.draw(rng, name)
    if gen.is_safe and rng.random() < 0.06:
        args = mutate(rng, args)
    steps = [Step(s) for s in gen.setup or []]
    steps.append(Step(args, gen.compare))
    if gen.after:
        steps += [Step(s) for s in gen.after(rng, args)]
    return steps


def draw_transaction(rng, names, weights):
    steps = [Step(["MULTI"])]
    for name in rng.choices(names, weights, k=rng.randint(0, 5)):
        if name not in ("exec", "discard", "multi"):
            steps += draw_command(rng, name)
    return steps + [Step(["EXEC" if rng.random() < 0.9 else "DISCARD"])]


def draw_sequence(rng, names, length):
    """A sequence over all commands, or more often over one family and the generic commands."""
    family = rng.choice([None] + list(FAMILIES))
    if family:
        chosen = [n for n in names if n in family.TABLE or (n in GENERIC and TABLE[n].weight)]
        names = chosen or names
    weights = [TABLE[n].weight * (2.0 if family and n in family.TABLE else 0.6) for n in names]
    steps = []
    while len(steps) < length:
        if "multi" in TABLE and rng.random() < 0.03:
            steps += draw_transaction(rng, names, weights)
        else:
            steps += draw_command(rng, rng.choices(names, weights)[0])
    return steps


GENERIC = [n for f in FAMILIES if f.__name__ == "gen.generic" for n in f.TABLE]


# Comparing -----------------------------------------------------------------------------------------

def split_array(raw):
    """The raw items of a raw array."""
    at, items = raw.index(b"\r\n") + 2, []
    while at < len(raw):
        end = frame_end(raw, at)
        items.append(raw[at:end])
        at = end
    return items


class Transaction:
    """Follows MULTI and EXEC, so that what EXEC returns is compared by each command's own rule."""

    def __init__(self):
        self.queue = None

    def rule_for(self, step, ref):
        if step.word == b"multi" and ref == b"+OK\r\n":
            self.queue = []
        elif step.word in (b"exec", b"discard") or step.word == b"reset":
            queue, self.queue = self.queue or [], None
            if step.word == b"exec" and ref[:1] == b"*" and ref[:3] != b"*-1":
                return each_by_its_rule(queue)
        elif ref == b"+QUEUED\r\n" and self.queue is not None:
            self.queue.append(step)
        return step.rule


def each_by_its_rule(queue):
    def rule(ref, ours, args):
        if ours[:1] != b"*" or ours[:3] == b"*-1":
            return False
        refs, mine = split_array(ref), split_array(ours)
        return len(refs) == len(mine) == len(queue) and all(
            is_same(step, step.rule, a, b) for step, a, b in zip(queue, refs, mine))
    return rule


def is_same(step, rule, ref, ours):
    if step.want is not None:
        return ours == step.want
    if ref == ours:
        return True
    if ref[:6] == b"CLOSED" or ours[:6] == b"CLOSED":
        return False
    try:
        return rule(ref, ours, step.args)
    except (ValueError, IndexError, TypeError):
        return False


class Side:
    """One server and the current connection to it. `shared` gives the server: a new one when it has died."""

    def __init__(self, shared, resp3, timeout=10.0, is_trusted=False):
        self.shared, self.resp3, self.timeout, self.is_trusted = shared, resp3, timeout, is_trusted
        self.server, self.conn = shared.get(), None

    def fresh(self):
        if self.conn:
            self.conn.close()
        self.server = self.shared.get()
        self.conn = Conn(self.server.address, timeout=self.timeout, resp3=self.resp3)
        # Expired keys go when they are touched, not when a sweep finds them: that would be another moment
        # on each server.
        self.conn.batch([["FLUSHALL"], ["CONFIG", "RESETSTAT"], ["DEBUG", "SET-ACTIVE-EXPIRE", "0"]])

    def batch(self, steps):
        self.conn.send(b"".join(command(*s.args) for s in steps))

    def read(self, steps):
        replies = []
        for _ in steps:
            try:
                replies.append(self.conn.read_reply())
            except Closed as closed:
                replies.append(b"CLOSED" + closed.data)
                break
            except (socket.timeout, ValueError) as e:
                if self.is_trusted:
                    raise AssertionError("the reference does not answer: " + str(steps[len(replies)])) from e
                replies.append(b"CLOSED (%s: %s) " % (type(e).__name__.encode(), str(e).encode()) + self.conn.buf[:200])
                break
        return replies


def run(ref, ours, steps, batch_sizes):
    """Runs the steps on two fresh connections; the first difference as (index, reply, reply), or None."""
    ref.fresh()
    ours.fresh()
    tx, at = Transaction(), 0
    for size in batch_sizes(len(steps)):
        batch = steps[at:at + size]
        ref.batch(batch)
        ours.batch(batch)
        for i, (step, a, b) in enumerate(zip(batch, ref.read(batch), ours.read(batch))):
            if not is_same(step, tx.rule_for(step, a), a, b):
                return at + i, a, b
            if a[:6] == b"CLOSED":
                return None
        at += size
    return None


def one_batch(n):
    return [n]


def random_batches(rng):
    """Pipelines of 1 to 120 commands."""
    def sizes(n):
        while n > 0:
            size = min(n, rng.choice([1, 2, 7, 16, 40, 120]))
            yield size
            n -= size
    return sizes


def state_steps(ref):
    """Commands that read everything which the reference now holds."""
    keys = sorted(ref.conn.call("KEYS", "*"))
    steps = [Step(["DBSIZE"]), Step(["KEYS", "*"], compare.unordered)]
    for key in keys:
        steps += [Step(["TYPE", key]), Step(["OBJECT", "ENCODING", key], compare.encoding),
                  Step(["PTTL", key], compare.near(3000))]
        reader = READERS.get(ref.conn.raw("TYPE", key).strip())
        if reader:
            rule = {"HGETALL": compare.pairs, "SMEMBERS": compare.unordered, "ZRANGE": compare.scores()}.get(reader[0], compare.same)
            steps.append(Step([reader[0], key] + reader[1:], rule))
    return steps


def shrink(steps, still_fails):
    """Fewer steps, with the same last one, of which still_fails(steps) is true."""
    runs, chunk = 0, max(len(steps) // 2, 1)
    while chunk >= 1 and runs < MAX_SHRINK_RUNS:
        at, removed = 0, False
        while at < len(steps) - 1 and runs < MAX_SHRINK_RUNS:
            fewer = steps[:at] + steps[min(at + chunk, len(steps) - 1):]
            runs += 1
            if still_fails(fewer):
                steps, removed = fewer, True
            else:
                at += chunk
        chunk = chunk if removed and chunk == 1 else chunk // 2
    return steps


def first_diff(ref, ours, steps, sizes=one_batch, is_read_back=True):
    """The first difference of this sequence, state included, shrunk; or None."""
    found = run(ref, ours, steps, sizes)
    if not found and is_read_back:
        if ref.conn.batch([["DISCARD"], ["SELECT", 0]])[-1] != b"+OK\r\n":
            return None
        steps = steps + [Step(["DISCARD"]), Step(["SELECT", 0])] + state_steps(ref)
        found = run(ref, ours, steps, one_batch)
    if not found:
        return None
    at, a, b = found
    if has_died(ours):
        return shrunk_crash(ref, ours, steps, a)

    def differs_at_its_end(fewer):
        found = run(ref, ours, fewer, one_batch)
        return found and found[0] == len(fewer) - 1
    shorter = shrink(steps[:at + 1], differs_at_its_end)
    again = run(ref, ours, shorter, one_batch)
    if again and again[0] == len(shorter) - 1:
        return Diff(shorter, again[1], again[2])
    return Diff(steps[:at + 1][-12:], a, b)


def has_died(side):
    """True when the server ends within a moment of having closed its connection."""
    try:
        wait_for(lambda: not side.server.is_alive(), "the end", within=0.3)
        return True
    except AssertionError:
        return False


def shrunk_crash(ref, ours, steps, reply):
    """The few steps of which the engine dies. The dead one's last words are part of the report."""
    def kills(fewer):
        found = run(ref, ours, fewer, one_batch)
        return found and found[2][:6] == b"CLOSED" and has_died(ours)
    text = ours.server.output()[-2000:]
    return Diff(shrink(steps, kills), reply, b"the engine died of one of these:\n" + text.encode())


def hunt(ref_shared, our_shared, names, seed, sequences, length, resp3, most=12):
    """Draws and runs sequences; returns the distinct differences found, at most `most`."""
    ref, ours, diffs = Side(ref_shared, resp3, is_trusted=True), Side(our_shared, resp3), {}
    for number in range(sequences):
        rng = random.Random("%s/%d/%d" % (seed, resp3, number))
        steps = draw_sequence(rng, names, length)
        diff = first_diff(ref, ours, steps, random_batches(rng))
        if diff:
            diffs.setdefault(diff.key, diff)
        if len(diffs) >= most:
            break
    return list(diffs.values())


def report(diffs):
    return "\n\n".join("  difference %d:\n%s" % (i + 1, d) for i, d in enumerate(diffs))


def must_be_none(diffs, title):
    """Fails the test with the differences, without a trace through the harness."""
    if diffs:
        pytest.fail("%s: %d differences\n%s" % (title, len(diffs), report(diffs)), pytrace=False)


def drawable(names):
    return sorted(n for n in names if n in TABLE and TABLE[n].weight > 0)


__all__ = ["Diff", "Side", "Step", "drawable", "expand", "first_diff", "hunt", "must_be_none", "report"]
