"""The table of faults in docs/failover.md has each row once, and names tests that there are."""
import pathlib
import re

HERE = pathlib.Path(__file__).resolve().parents[2]
ROW = re.compile(r"^\| (\d+) \| ([^|]+) \| ([^|]+) \|([^|]*)\|$", re.M)
FILE = re.compile(r"`((?:e2e/|conformance/|bench/)?\w+)`([^;`]*)")


def rows():
    table = (HERE / "docs/failover.md").read_text().split("## The fault matrix", 1)[1].split("\n## ", 1)[0]
    return ROW.findall(table)


def named(words):
    """Names of tests: words of several parts."""
    return [w for w in re.sub(r"\([^)]*\)", "", words).replace(",", " ").split() if w.count("_") > 1]


def text_of(name):
    if name.startswith("bench/"):
        return (HERE / "tests" / name).read_text()
    pattern = f"{name}.py" if "/" in name else f"unit/**/{name}.c"
    found = list((HERE / "tests").glob(pattern))
    assert found, f"there is no {name}"
    return "\n".join(f.read_text() for f in found)


def test_each_row_is_there_once():
    assert [int(number) for number, *_ in rows()] == list(range(1, 51))


def test_a_row_names_tests_that_there_are_or_says_not_yet():
    for number, _, held, missing in rows():
        files = FILE.findall(held)
        assert files or "not yet" in held or held.startswith("as "), number
        assert "not yet" not in held or missing.strip(), number
        for name, words in files:
            if name == "sync":
                continue
            text = text_of(name)
            for test in named(words):
                assert re.search(rf"^(?:def test_{test}\(|Test\(\w+, {test}\b)", text, re.M), (number, name, test)
