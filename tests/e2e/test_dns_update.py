"""Endpoint names at another name server (BIND, by signed updates) and in a hosts file."""
import subprocess
import time

import pytest

from conftest import free_port, wait_until
from test_larderd import resolve

NAMED = "/usr/sbin/named"
ZONE = "cache.test"
KEY = 'key "larder" { algorithm hmac-sha256; secret "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHM="; };\n'
EMPTY_ZONE = f"""$ORIGIN {ZONE}.
$TTL 5
@ SOA ns hostmaster 1 60 60 3600 5
@ NS ns
ns A 127.0.0.1
"""


class Named:
    """A BIND of our own."""

    def __init__(self, folder):
        self.folder, self.port, self.process = folder, free_port(), None
        self.key_file = folder / "larder.key"
        self.key_file.write_text(KEY)
        (folder / "named.conf").write_text(
            KEY + f'options {{ directory "{folder}"; listen-on port {self.port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }};'
            f' pid-file "{folder}/named.pid"; recursion no; dnssec-validation no; session-keyfile none; notify no; }};'
            f' controls {{ }}; zone "{ZONE}" {{ type primary; file "zone"; allow-update {{ key larder; }}; }};')

    def start(self, forgets=False):
        if forgets:
            for left in self.folder.glob("zone*"):
                left.unlink()
            (self.folder / "zone").write_text(EMPTY_ZONE)
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen([NAMED, "-g", "-n", "1", "-c", self.folder / "named.conf"], stdout=log, stderr=log)
        wait_until(lambda: self.addresses(f"ns.{ZONE}") == ["127.0.0.1"], "named answers")
        return self

    def stop(self):
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def addresses(self, name):
        code, found = resolve(self.port, name)
        assert code in (0, 3), code
        return found


@pytest.fixture
def named(tmp_path):
    server = Named(tmp_path)
    yield server.start(forgets=True)
    server.stop()


def host(endpoint):
    return endpoint["Address"]


def test_another_name_server_is_kept_up_to_date(new_service, named):
    service = new_service("--dns", "off", "--endpoints", "dns", "--dns-zone", ZONE, "--dns-update", f"127.0.0.1:{named.port}",
                          "--dns-update-key", str(named.key_file)).start()
    first, second = (host(service.create(name)[0]) for name in ("c1", "c2"))
    wait_until(lambda: named.addresses(first) and named.addresses(second), "both names are known")
    assert named.addresses(first) != named.addresses(second)

    # Away, and back without what it knew: it gets what changed and what did not.
    named.stop()
    third = host(service.create("c3")[0])
    service.client().delete_cache_cluster(CacheClusterId="c1")
    service.wait_deleted("c1")
    named.start(forgets=True)
    wait_until(lambda: named.addresses(second) and named.addresses(third), "old and new names are known")
    assert named.addresses(first) == []

    # What went while neither knew of the other is taken back, too.
    wait_until(lambda: f"+{third}\n" in (service.state_dir / "larderd" / "dns-names").read_text(), "the name is remembered")
    known = named.addresses(second), named.addresses(third)
    named.stop()
    service.client().delete_cache_cluster(CacheClusterId="c2")
    service.wait_deleted("c2")
    service.stop()
    named.start()
    assert (named.addresses(second), named.addresses(third)) == known
    service.start()
    wait_until(lambda: named.addresses(second) == [], "the name is taken back")
    assert named.addresses(third) == known[1]


def test_a_wrong_key_is_told_in_the_log_and_changes_nothing(new_service, named, tmp_path):
    wrong = tmp_path / "wrong.key"
    wrong.write_text(KEY.replace("c2Vj", "d2Vj"))
    service = new_service("--dns", "off", "--endpoints", "dns", "--dns-zone", ZONE, "--dns-update", f"127.0.0.1:{named.port}",
                          "--dns-update-key", str(wrong)).start()
    name = host(service.create("c1")[0])
    wait_until(lambda: "names cannot be brought there" in service.errors(), "it is said")
    assert named.addresses(name) == []


def test_names_stand_in_a_hosts_file(new_service, tmp_path):
    path = tmp_path / "hosts"
    path.write_text("127.0.0.1 localhost\n")
    service = new_service("--dns", "off", "--endpoints", "dns", "--hosts-file", str(path)).start()
    client = service.client()
    name = host(service.create("c1")[0])
    wait_until(lambda: f"\t{name}\n" in path.read_text(), "the name stands there")
    lines = path.read_text().splitlines()
    assert lines[0] == "127.0.0.1 localhost" and len(lines) == 4
    before = path.read_text()
    service.stop()
    service.start()
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline and path.read_text() == before:
        time.sleep(0.01)
    assert path.read_text() == before, "nothing is missing, not even for a moment"
    client.delete_cache_cluster(CacheClusterId="c1")
    wait_until(lambda: path.read_text().splitlines()[0] == "127.0.0.1 localhost" and name not in path.read_text(), "it is gone")
