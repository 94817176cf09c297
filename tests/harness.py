"""Builds and runs the stages of ./tests/run and adds up what they counted.

A stage is a function that returns a Tally. Criterion and pytest are read through the XML reports that
they write, never through their screens; a program that dies counts as one failure.
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


def say(text):
    print(text + "\n", end="", flush=True)  # in one piece: stages may run beside each other


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


def tally_of_xml(path):
    """Adds up a JUnit report; suites inside suites are counted once."""
    total = Tally()
    for suite in ElementTree.parse(path).getroot().iter("testsuite"):
        cases = suite.findall("testcase")
        bad = sum(1 for c in cases if c.find("failure") is not None or c.find("error") is not None)
        skipped = sum(1 for c in cases if c.find("skipped") is not None or c.get("status") == "SKIPPED")
        total += Tally(len(cases) - bad - skipped, bad, skipped)
    return total


def run_unit_program(program, where):
    """One Criterion program; it runs each test in a process of its own."""
    with tempfile.TemporaryDirectory() as tmp:
        report = pathlib.Path(tmp, "report.xml")
        environment = dict(os.environ, ASAN_OPTIONS="detect_leaks=1:abort_on_error=0", TMPDIR=tmp)
        try:
            done = subprocess.run([str(program), f"--xml={report}", "--jobs=1"], cwd=ROOT,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                                  stdin=subprocess.DEVNULL, timeout=UNIT_TIMEOUT_S, env=environment, check=False)
        except subprocess.TimeoutExpired:
            say(f"   {where}/{program.name}: no end after {UNIT_TIMEOUT_S} s")
            return Tally(failed=1)
        tally = tally_of_xml(report) if report.exists() else Tally()
    if done.returncode != 0 and tally.failed == 0:
        tally.failed += 1
    if tally.failed:
        say(f"   {where}/{program.name}: {tally}\n{done.stdout}")
    return tally


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


def run_pytest(*paths, binaries="build", is_quiet=False):
    """A run of pytest over folders, files and options; with `is_quiet` its screen is shown at its end and in one piece."""
    with tempfile.TemporaryDirectory() as tmp:
        report = pathlib.Path(tmp, "report.xml")
        environment = dict(os.environ, LARDER_BIN_DIR=str(ROOT / binaries / "bin"), PYTHONDONTWRITEBYTECODE="1")
        try:
            done = subprocess.run(["/usr/bin/python3", "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rs",
                                   "--tb=short", "--durations=5", f"--junitxml={report}", *paths],
                                  cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, timeout=PYTEST_TIMEOUT_S,
                                  stdout=subprocess.PIPE if is_quiet else None, text=True, check=False)
        except subprocess.TimeoutExpired:
            say(f"   {paths[0]}: no end after {PYTEST_TIMEOUT_S} s")
            return Tally(failed=1)
        if is_quiet:
            say(done.stdout.rstrip())
        tally = tally_of_xml(report) if report.exists() else Tally()
    if done.returncode not in (0, 5) and tally.failed == 0:
        tally.failed += 1
    return tally


def stage_contract():
    build_release()
    return run_pytest("tests/contract")


def stage_conformance():
    build_release()
    return run_pytest("tests/conformance")


def stage_threads():
    """The engine's background thread under ThreadSanitizer (Criterion does not run under it)."""
    build("build-tsan", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", "-DLARDER_TESTS=OFF", "-DLARDER_FUZZ=OFF",
          "-DLARDER_SANITIZE=thread", targets=["larder-engine"])
    return run_pytest("tests/threads", binaries="build-tsan")


def stage_e2e():
    build_release()
    return run_pytest("tests/e2e", "--ignore-glob=*/test_terraform*")


def stage_terraform():
    """Terraform's provider waits for most of its time (30 s before it looks at a new cache): its files run beside each other."""
    build_release()
    files = sorted(str(p.relative_to(ROOT)) for p in (ROOT / "tests" / "e2e").glob("test_terraform*.py"))
    with ThreadPoolExecutor(len(files)) as pool:
        return sum(pool.map(lambda f: run_pytest(f, is_quiet=True), files), Tally())


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
            say(f"   {program.name}: no end after {FUZZ_TARGET_TIMEOUT_S} s")
            return Tally(failed=1)
        runs = re.findall(r"Done (\d+) runs", done.stdout)
        if done.returncode != 0 or not runs:
            keep = ROOT / "build-fuzz" / "findings"
            keep.mkdir(exist_ok=True)
            for found in pathlib.Path(tmp).glob("*-*"):
                shutil.copy(found, keep / f"{program.name}-{found.name}")
            tail = "\n".join(done.stdout.splitlines()[-60:])
            say(f"   {program.name}: failed; the input is kept in build-fuzz/findings\n{tail}")
            return Tally(failed=1)
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
        say("   not as clang-format-14 leaves them: " + " ".join(unlike))
        return Tally(failed=1)
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
        say(f"   {error}")
        tally = Tally(failed=1)
    if tally.passed + tally.failed == 0:
        say("   not one test was found: that is a failure")
        tally.failed += 1
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
    say(str(total))
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
