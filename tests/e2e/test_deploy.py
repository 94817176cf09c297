"""deploy/up as a newcomer runs it, on a build that is there already."""
import os
import re
import subprocess

import pytest

from conftest import BIN, ROOT, answers_ping, free_port, processes_marked, wait_until, MARK

pytestmark = pytest.mark.skipif(BIN != ROOT / "build" / "bin", reason="deploy/up runs what stands in build/bin")


@pytest.fixture(name="place")
def somewhere_to_live(pool_slots, tmp_path):
    """Flags for larder up that keep to a folder and addresses of the test's own."""
    mark = f"deploy-{os.getpid()}-{tmp_path.name}"
    port = free_port()
    words = ["--", "--state-dir", str(tmp_path / "state"), "--listen", f"127.0.0.1:{port}", "--dns", "off", "--pool",
             pool_slots.take()]
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "LARDER_"))}
    environment[MARK] = mark

    def run(*options, timeout=300):
        return subprocess.run([str(ROOT / "deploy" / "up"), *options, *words], env=environment, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout, check=False,
                              stdin=subprocess.DEVNULL)
    run.mark, run.words, run.environment, run.url = mark, words, environment, f"http://127.0.0.1:{port}"
    yield run
    run("--down")
    assert processes_marked(mark) == {}


def endpoint_in(text):
    found = re.search(r"^demo\s+available\s+([0-9.]+):(\d+)$", text, re.M)
    assert found, text
    return {"Address": found.group(1), "Port": int(found.group(2))}


def test_in_the_background_twice(place):
    first = place("--background")
    assert first.returncode == 0, first.stderr
    endpoint = endpoint_in(first.stdout)
    assert answers_ping(endpoint)
    assert f"export AWS_ENDPOINT_URL={place.url}" in first.stdout
    assert f"redis-cli -h {endpoint['Address']} -p {endpoint['Port']}" in first.stdout

    again = place("--background")
    assert again.returncode == 1 and "already" in again.stderr

    assert place("--down").returncode == 0
    assert not answers_ping(endpoint)
    assert processes_marked(place.mark) == {}

    second = place("--background")
    assert second.returncode == 0, second.stderr
    assert endpoint_in(second.stdout) == endpoint


def test_in_the_foreground_until_it_is_told_to_end(place):
    with subprocess.Popen([str(ROOT / "deploy" / "up"), *place.words], env=place.environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL) as process:
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C ends it"):
                break
        endpoint = endpoint_in(said)
        assert answers_ping(endpoint)
        process.terminate()
        process.wait(60)
    wait_until(lambda: processes_marked(place.mark) == {}, "everything has ended")
    assert not answers_ping(endpoint)


def test_without_redis_cli_it_speaks_for_itself(place, tmp_path):
    """A $PATH with all that is needed but redis-cli."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for folder in ("/usr/bin", "/bin", "/usr/sbin", "/sbin"):
        for entry in os.scandir(folder):
            link = tools / entry.name
            if entry.name != "redis-cli" and not link.exists() and not link.is_symlink():
                link.symlink_to(entry.path)
    place.environment["PATH"] = str(tools)
    done = place("--background")
    assert done.returncode == 0, done.stderr
    assert answers_ping(endpoint_in(done.stdout))


def test_bad_arguments_are_explained(place):
    done = subprocess.run([str(ROOT / "deploy" / "up"), "--sideways"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          text=True, check=False, timeout=30)
    assert done.returncode == 2 and "usage: deploy/up" in done.stderr
    place.words[:] = ["--", "--state-dir", place.words[2], "--no-such-flag"]
    done = place("--background")
    assert done.returncode == 1 and "--no-such-flag" in done.stderr
