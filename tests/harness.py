"""Builds and runs the stages of ./tests/run and adds up what they counted.

A stage is a function that returns a Tally. Criterion and pytest are read through the XML reports that
they write, never through their screens; a program that dies counts as one failure. What failed is named once more
at the end of everything.

A test that fails is run a second time, for machines that stand still for a moment. If it passes then it counts as
passed, and is named at the end, too: it is either the test or the product that depends on luck.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

ROOT = pathlib.Path(__file__).resolve().parent.parent
JOBS = os.cpu_count() or 1
FUZZ_SECONDS = int(os.environ.get("LARDER_FUZZ_SECONDS", "10"))
UNIT_TIMEOUT_S = 300
PYTEST_TIMEOUT_S = 1500
FUZZ_TARGET_TIMEOUT_S = FUZZ_SECONDS + 120


@dataclass
class Tally:
    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other):
        return Tally(self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped)

    def __str__(self):
        text = f"{self.passed} passed, {self.failed} failed"
        return text + (f", {self.skipped} skipped" if self.skipped else "")


class BuildFailed(Exception):
    pass


FAILED = []  # a line for each test that failed both times
UNSTEADY = []  # a line for each one that passed the second time


def say(text):
    print(text + "\n", end="", flush=True)  # in one piece: stages may run beside each other


def failure(text):
    """One failure that is no test's."""
    say(f"   {text}")
    FAILED.append(text)
    return Tally(failed=1)


def run_quietly(args, what, **kwargs):
    """Runs a command; shows its output only when it fails, and then raises BuildFailed."""
    done = subprocess.run(args, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          stdin=subprocess.DEVNULL, check=False, **kwargs)
    if done.returncode != 0:
        say("\n".join(done.stdout.splitlines()[-80:]))
        raise BuildFailed(f"{what} failed (exit {done.returncode})")


def build(directory, *options, targets=(), env=None):
    say(f"-- building {directory}")
    environment = dict(os.environ, **(env or {}))
    run_quietly(["cmake", "-S", ".", "-B", directory, "-G", "Ninja", *options],
                f"configuring {directory}", env=environment)
    run_quietly(["ninja", "-C", directory, "-j", str(JOBS), *targets], f"building {directory}", env=environment)


def build_release():
    build("build", "-DCMAKE_BUILD_TYPE=Release", "-DLARDER_TESTS=ON", "-DLARDER_FUZZ=OFF", "-DLARDER_SANITIZE=")


@dataclass
class Case:
    """What failed in a report, or a whole program that ended badly without one (then `test` is empty)."""
    suite: str
    test: str
    message: str

    def __str__(self):
        where = f"{self.suite}::{self.test}" if self.test else self.suite
        return f"{where}: {' '.join(self.message.split())[:300]}"


def read_report(path):
    """Adds up a JUnit report and lists what failed; suites inside suites are counted once."""
    total, bad = Tally(), []
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        cases = suite.findall("testcase")
        skipped = sum(1 for c in cases if c.find("skipped") is not None or c.get("status") == "SKIPPED")
        for case in cases:
            faults = [*case.findall("failure"), *case.findall("error")]
            if faults:
                said = faults[0].get("message") or "".join(faults[0].itertext())
                bad.append(Case(case.get("classname") or suite.get("name"), case.get("name"), said))
        count = sum(1 for c in cases if c.find("failure") is not None or c.find("error") is not None)
        total += Tally(len(cases) - count - skipped, count, skipped)
    return total, bad


def settle(first, bad, again):
    """The tally after a second run of tests that failed; `again` runs them and returns what failed of them.

    What is no single test (a program that died, a file that could not be read) has no second run.
    """
    left = again() if bad and all(case.suite and case.test for case in bad) else bad
    names_left = {(case.suite, case.test) for case in left}
    UNSTEADY.extend(str(case) for case in bad if (case.suite, case.test) not in names_left)
    FAILED.extend(str(case) for case in left)
    return Tally(first.passed + max(len(bad) - len(left), 0), len(left), first.skipped)


def run_unit_program_once(program, where):
    """One Criterion program; it runs each test in a process of its own. Returns the tally and what failed."""
    with tempfile.TemporaryDirectory() as tmp:
        report = pathlib.Path(tmp, "report.xml")
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0", TMPDIR=tmp)
        try:
            done = subprocess.run([str(program), f"--xml={report}", "--jobs=1"], cwd=ROOT,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                  stdin=subprocess.DEVNULL, timeout=UNIT_TIMEOUT_S, env=environment, check=False)
        except subprocess.TimeoutExpired:
            said = f"no end after {UNIT_TIMEOUT_S} s"
            say(f"   {where}/{program.name}: {said}")
            return Tally(failed=1), [Case(program.name, "", said)]
        tally, bad = read_report(report) if report.exists() else (Tally(), [])
    if done.returncode != 0 and not bad:
        tally.failed += 1
        bad = [Case(program.name, "", f"exit {done.returncode}")]
    if bad:
        say(f"   {where}/{program.name}: {tally}\n{done.stdout}")
    return tally, bad


def run_unit_program(program, where):
    tally, bad = run_unit_program_once(program, where)
    return settle(tally, bad, lambda: run_unit_program_once(program, where)[1])


def run_unit_programs(directory):
    programs = sorted(p for p in (ROOT / directory / "unit").glob("*") if p.is_file() and os.access(p, os.X_OK))
    with ThreadPoolExecutor(JOBS) as pool:
        return sum(pool.map(lambda p: run_unit_program(p, directory), programs), Tally())


def stage_unit():
    build_release()
    tally = run_unit_programs("build")
    build("build-asan", "-DCMAKE_BUILD_TYPE=Debug", "-DLARDER_TESTS=ON", "-DLARDER_FUZZ=OFF",
          "-DLARDER_SANITIZE=address")
    return tally + run_unit_programs("build-asan")


def run_pytest_once(paths, binaries, is_quiet):
    """Returns the tally and what failed. With `is_quiet` its screen is shown at its end and in one piece."""
    with tempfile.TemporaryDirectory() as tmp:
        report = pathlib.Path(tmp, "report.xml")
        environment = dict(os.environ, LARDER_BIN_DIR=str(ROOT / binaries / "bin"), PYTHONDONTWRITEBYTECODE="1")
        try:
            done = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs",
                                   "--tb=short", "--durations=5", f"--junitxml={report}", *paths],
                                  cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, timeout=PYTEST_TIMEOUT_S,
                                  stdout=subprocess.PIPE if is_quiet else None, text=True, check=False)
        except subprocess.TimeoutExpired:
            said = f"no end after {PYTEST_TIMEOUT_S} s"
            say(f"   {paths[0]}: {said}")
            return Tally(failed=1), [Case(paths[0], "", said)]
        if is_quiet:
            say(done.stdout.rstrip())
        tally, bad = read_report(report) if report.exists() else (Tally(), [])
    if done.returncode not in (0, 5) and not bad:
        tally.failed += 1
        bad = [Case(paths[0], "", f"exit {done.returncode}")]
    return tally, bad


def run_pytest(*paths, binaries="build", is_quiet=False):
    """A run of pytest over folders, files and options."""
    tally, bad = run_pytest_once(paths, binaries, is_quiet)
    named = [f"{case.suite.replace('.', '/')}.py::{case.test}" for case in bad]
    return settle(tally, bad, lambda: run_pytest_once(named, binaries, is_quiet)[1])


def files_of(folder):
    return sorted(str(p.relative_to(ROOT)) for p in (ROOT / "tests" / folder).glob("test_*.py"))


def run_files(files, jobs):
    """Runs files of tests, each by a pytest of its own, beside each other."""
    with ThreadPoolExecutor(jobs) as pool:
        return sum(pool.map(lambda f: run_pytest(f, is_quiet=True), files), Tally())


def stage_contract():
    build_release()
    return run_pytest("tests/contract")


def stage_conformance():
    """Its files run beside each other, each with servers of its own."""
    build_release()
    return run_files(files_of("conformance"), JOBS)


def stage_threads():
    """The engine's background thread under ThreadSanitizer (Criterion does not run under it)."""
    build("build-tsan", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DLARDER_TESTS=OFF", "-DLARDER_FUZZ=OFF",
          "-DLARDER_SANITIZE=thread", targets=["larder-engine"])
    return run_pytest("tests/threads", binaries="build-tsan")


def stage_e2e():
    """Its files run beside each other: each starts services of its own, and waits for them for most of its time."""
    build_release()
    return run_files([f for f in files_of("e2e") if "test_terraform" not in f], JOBS)


def stage_terraform():
    """Terraform's provider waits for most of its time (30 s before it looks at a new cache): its files run beside each other."""
    build_release()
    files = [f for f in files_of("e2e") if "test_terraform" in f]
    return run_files(files, len(files))


def seeds_of(target):
    """Seeds stand in seeds/ beside the target's source, in a folder of the target's name or directly."""
    for source in (ROOT / "tests" / "fuzz").rglob(f"{target}.c"):
        for seeds in (source.parent / "seeds" / target, source.parent / "seeds" / target.removeprefix("fuzz_"),
                      source.parent / "seeds"):
            if seeds.is_dir():
                return [str(seeds)]
    return []


def run_fuzz_target(program):
    with tempfile.TemporaryDirectory() as tmp:
        corpus = pathlib.Path(tmp, "corpus")
        corpus.mkdir()
        command = ["nice", str(program), f"-max_total_time={FUZZ_SECONDS}", "-rss_limit_mb=2048", "-timeout=20",
                   "-print_final_stats=0", f"-artifact_prefix={tmp}/", str(corpus), *seeds_of(program.name)]
        try:
            done = subprocess.run(command, cwd=tmp, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                                  errors="replace", stdin=subprocess.DEVNULL, timeout=FUZZ_TARGET_TIMEOUT_S,
                                  check=False)
        except subprocess.TimeoutExpired:
            return failure(f"{program.name}: no end after {FUZZ_TARGET_TIMEOUT_S} s")
        runs = re.findall(r"Done (\d+) runs", done.stdout)
        if done.returncode != 0 or not runs:
            keep = ROOT / "build-fuzz" / "findings"
            keep.mkdir(exist_ok=True)
            for found in pathlib.Path(tmp).glob("*-*"):
                shutil.copy(found, keep / f"{program.name}-{found.name}")
            say("\n".join(done.stdout.splitlines()[-60:]))
            return failure(f"{program.name}: the input is kept in build-fuzz/findings")
    say(f"   {program.name}: {int(runs[-1]):,} inputs")
    return Tally(passed=1)


def stage_fuzz():
    build("build-fuzz", "-DCMAKE_BUILD_TYPE=Debug", "-DLARDER_TESTS=OFF", "-DLARDER_FUZZ=ON",
          "-DLARDER_SANITIZE=address", env={"CC": "clang-14"})
    targets = sorted((ROOT / "build-fuzz" / "fuzz").glob("fuzz_*"))
    with ThreadPoolExecutor(JOBS) as pool:
        return sum(pool.map(run_fuzz_target, targets), Tally())


def format_file(name):
    """0: as the formatter leaves it; above: not so; below: the formatter itself crashed."""
    return subprocess.run(["clang-format-14", "--dry-run", "--Werror", name], cwd=ROOT, stderr=subprocess.DEVNULL,
                          check=False).returncode


def stage_format():
    listed = subprocess.run(["git", "ls-files", "*.c", "*.h"], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    names = listed.stdout.split()
    with ThreadPoolExecutor(JOBS) as pool:
        codes = dict(zip(names, pool.map(format_file, names)))
    unlike = [name for name in names if codes[name] > 0]
    # Version 14 reads out of bounds in some aligned tables, and crashes or not by chance of its memory's layout.
    crashed = [name for name in names if codes[name] < 0]
    if crashed:
        say("   clang-format-14 itself crashed over: " + " ".join(crashed))
    if unlike:
        return failure("not as clang-format-14 leaves them: " + " ".join(unlike))
    return Tally(passed=1)


STAGES = {
    "format": stage_format,
    "unit": stage_unit,
    "contract": stage_contract,
    "conformance": stage_conformance,
    "threads": stage_threads,
    "e2e": stage_e2e,
    "terraform": stage_terraform,
    "fuzz": stage_fuzz,
}
# Run at the same time when both are asked for: the one waits for most of its time, the other takes what is left of the processors.
BESIDE = ("terraform", "fuzz")


def run_stage(name):
    """Runs a stage and says how it went; one whose build fails or that finds no test counts as one failure."""
    say(f"== {name}")
    begun = time.monotonic()
    try:
        tally = STAGES[name]()
    except BuildFailed as error:
        tally = failure(str(error))
    if tally.passed + tally.failed == 0:
        tally = failure(f"{name}: not one test was found")
    say(f"   {name}: {tally} in {time.monotonic() - begun:.0f} s")
    return tally


def main(names):
    unknown = [n for n in names if n not in STAGES]
    if unknown:
        say(f"tests/run: no stage {unknown[0]}; there are: {' '.join(STAGES)}")
        return 2
    names = list(names or STAGES)
    beside = [n for n in names if n in BESIDE]
    total = sum((run_stage(n) for n in names if n not in BESIDE), Tally())
    with ThreadPoolExecutor(len(BESIDE)) as pool:
        total += sum(pool.map(run_stage, beside), Tally())
    for line in UNSTEADY:
        say(f"passed only the second time: {line}")
    for line in FAILED:
        say(f"failed: {line}")
    say(str(total))
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
