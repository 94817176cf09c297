"""Hand-written edge cases (edges/*.txt) and raw bytes answer as redis-server answers them."""

import pathlib
import re

import compare
import pytest
from differential import Side, Step, first_diff, must_be_none
from test_differential import command_names
from wire import Conn, command

RULES = {"near": compare.near(3000), "unordered": compare.unordered, "pairs": compare.pairs, "kind": compare.kind,
         "shape": compare.shape, "scan": compare.scan(), "hello": compare.hello, "encoding": compare.encoding,
         "scores": compare.scores()}
ESCAPES = {"n": b"\n", "r": b"\r", "t": b"\t"}


def unescape(word):
    """The bytes of one word as redis-cli reads it."""
    def one(match):
        code = match.group(1)
        return bytes.fromhex(code[1:]) if code[0] == "x" else ESCAPES.get(code, code.encode())
    out, at = b"", 0
    for match in re.finditer(r"\\(x[0-9a-fA-F]{2}|.)", word):
        out += word[at:match.start()].encode() + one(match)
        at = match.end()
    return out + word[at:].encode()


def words(line):
    """Splits a line; double quotes group and escape, <x*100> repeats."""
    for quoted, bare in re.findall(r'"((?:[^"\\]|\\.)*)"|(\S+)', line):
        repeat = re.fullmatch(r"<(.)\*(\d+)>", bare)
        if repeat:
            yield repeat.group(1).encode() * int(repeat.group(2))
        else:
            yield bare.encode() if bare else unescape(quoted)


def read_cases(path):
    """[(title, [Step])] of one file."""
    cases = []
    for line in path.read_text().splitlines():
        if line.startswith("== "):
            cases.append((path.stem + ": " + line[3:], []))
        elif line and not line.startswith("#"):
            cases[-1][1].append(read_step(line))
    return cases


def read_step(line):
    line, _, want = line.partition(" => ")
    rule = compare.same
    if line.startswith("@"):
        name, line = line[1:].split(" ", 1)
        rule = RULES[name]
    return Step(list(words(line)), rule, next(words(want)) if want else None)


CASES = [case for path in sorted(pathlib.Path(__file__).with_name("edges").glob("*.txt")) for case in read_cases(path)]


def is_served(step, names):
    """False for commands and subcommands that only the reference has."""
    word = step.word.decode("latin-1")
    sub = word + "|" + step.args[1].lower().decode("latin-1") if len(step.args) > 1 else word
    return not any(name in names["reference"] and name not in names["engine"] for name in (word, sub))


@pytest.fixture(scope="module")
def names(reference, shared_engine):
    return {"reference": set(command_names(reference)), "engine": set(command_names(shared_engine.get()))}


@pytest.mark.parametrize("resp3", [False, True], ids=["resp2", "resp3"])
@pytest.mark.parametrize("title,steps", CASES, ids=[c[0].replace(" ", "_") for c in CASES])
def test_edge_case(shared_reference, shared_engine, engine, names, title, steps, resp3):
    """Each line of a case is one check; all differences of the case are shown."""
    steps = [s for s in steps if is_served(s, names)]
    if not steps:
        pytest.skip("the engine has none of these commands yet")
    ref, ours, diffs = Side(shared_reference, resp3, is_trusted=True), Side(shared_engine, resp3), []
    while True:
        diff = first_diff(ref, ours, steps)
        if not diff:
            break
        diffs.append(diff)
        rest = without(steps, diff.steps[-1])
        if len(rest) == len(steps) or len(diffs) == 10:
            break
        steps = rest
    must_be_none(diffs, title)


def without(steps, bad):
    return [s for s in steps if s is not bad]


# Bytes that no client library sends ---------------------------------------------------------------

RAW = {
    "inline": b"PING\r\n",
    "inline with LF alone": b"PING\n",
    "inline arguments": b"SET k v\r\nGET k\r\n",
    "inline quotes": b'SET k "a b\\x41\\n"\r\nGET k\r\n',
    "inline single quotes": b"SET k 'a b'\r\nGET k\r\n",
    "inline escaped single quote": b"SET k 'a\\'b'\r\nGET k\r\n",
    "inline unbalanced": b'SET k "a\r\nPING\r\n',
    "inline unbalanced single": b"SET k 'a\r\nPING\r\n",
    "inline quote glued": b'SET k "a"b\r\nPING\r\n',
    "inline empty lines": b"\r\n\r\n\nPING\r\n",
    "inline spaces": b"   PING   \r\n\t PING\r\n",
    "inline empty argument": b'SET k ""\r\nGET k\r\n',
    "inline unknown": b"nosuch a b\r\nPING\r\n",
    "inline nul byte": b"PI\x00NG\r\nPING\r\n",
    "inline http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "inline post": b"POST / HTTP/1.1\r\n\r\nPING\r\n",
    "inline host": b"Host: a\r\nPING\r\n",
    "empty array": b"*0\r\nPING\r\n",
    "null array": b"*-1\r\nPING\r\n",
    "negative array": b"*-5\r\nPING\r\n",
    "array count not a number": b"*x\r\nPING\r\n",
    "array count empty": b"*\r\nPING\r\n",
    "array count with plus": b"*+1\r\n$4\r\nPING\r\n",
    "array count with space": b"* 1\r\n$4\r\nPING\r\n",
    "array count leading zero": b"*01\r\n$4\r\nPING\r\n",
    "array too long": b"*1048577\r\nPING\r\n",
    "array far too long": b"*2147483648\r\nPING\r\n",
    "array overflow": b"*99999999999999999999\r\nPING\r\n",
    "bulk length not a number": b"*1\r\n$x\r\nPING\r\n",
    "bulk length empty": b"*1\r\n$\r\nPING\r\n",
    "bulk length negative": b"*1\r\n$-1\r\nPING\r\n",
    "bulk too long": b"*1\r\n$536870913\r\nPING\r\n",
    "bulk overflow": b"*1\r\n$9223372036854775808\r\n",
    "no dollar": b"*1\r\nPING\r\nPING\r\n",
    "no dollar in second": b"*2\r\n$3\r\nGET\r\n:1\r\n",
    "bulk without crlf": b"*1\r\n$4\r\nPINGxxPING\r\n",
    "bulk longer than said": b"*1\r\n$3\r\nPINGPING\r\n",
    "empty name": b"*1\r\n$0\r\n\r\nPING\r\n",
    "array then inline": b"*1\r\n$4\r\nPING\r\nPING\r\n*1\r\n$4\r\nPING\r\n",
    "unfinished": b"*2\r\n$4\r\nECHO\r\n$10\r\nabc",
    "quit": b"QUIT\r\nPING\r\n",
    "quit array": b"*1\r\n$4\r\nQUIT\r\n*1\r\n$4\r\nPING\r\n",
    "reply off": b"CLIENT REPLY OFF\r\nPING\r\nCLIENT REPLY ON\r\nPING\r\n",
    "reply skip": b"CLIENT REPLY SKIP\r\nPING\r\nPING again\r\n",
    "lf in array head": b"*1\n$4\r\nPING\r\n",
    "bigger inline": b"ECHO " + b"x" * 60000 + b"\r\n",
    "inline too big": b"x" * 70000,
    "array head too big": b"*" + b"1" * 70000,
    "bulk head too big": b"*1\r\n$" + b"1" * 70000,
    "many arguments": b"*1001\r\n$6\r\nEXISTS\r\n" + b"$1\r\na\r\n" * 1000,
    "unknown with many arguments": b"*101\r\n" + b"$3\r\nfoo\r\n" * 101,
}


def talk(address, data):
    """Sends the bytes, closes the sending side, and returns all that comes back."""
    with Conn(address) as conn:
        conn.call("FLUSHALL")
        return conn.talk(data)


@pytest.mark.parametrize("name", RAW)
def test_raw_bytes_answer_alike(reference, engine, name):
    assert talk(engine.address, RAW[name]) == talk(reference.address, RAW[name])


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_requests_cut_anywhere_answer_alike(reference, engine, step):
    data = command("SET", "k", "a\r\nb" * 5) + b"GET k\r\n" + command("GET", "k") + b"\r\n" + command("ECHO", "")

    def in_slices(address):
        with Conn(address) as conn:
            for at in range(0, len(data), step):
                conn.send(data[at:at + step])
            return [conn.read_reply() for _ in range(4)]
    assert in_slices(engine.address) == in_slices(reference.address)


def test_edge_files_are_read_as_redis_cli_reads_them():
    assert list(words('SET "a b\\x00\\n\\"" <x*3> v')) == [b"SET", b'a b\x00\n"', b"xxx", b"v"]
    assert len(CASES) > 25
