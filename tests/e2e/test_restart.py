"""Stopping and starting: the same state, the same addresses; and starts that must fail say why."""
import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess

import pytest
from botocore.exceptions import ClientError

from conftest import BIN, answers_ping, free_port, memcached, redis_cli, wait_until


def refused(service, listen=None):
    """A start that must not succeed; gives its exit status and what it said."""
    words = service.command()
    if listen:
        words[words.index("--listen") + 1] = listen
    done = subprocess.run(words, env=service.environment(), stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL)
    assert "ready" not in done.stdout
    return done.returncode, done.stderr


def database(service):
    found = [p for p in (service.state_dir / "larderd").iterdir()
             if p.is_file() and p.read_bytes()[:15] == b"SQLite format 3"]
    assert len(found) == 1, found
    return found[0]


def test_a_second_start_resumes_the_clusters_where_they_were(service):
    redis, = service.create("kept", Port=7001)
    cached = service.create("kept-mc", engine="memcached", nodes=2)
    service.client().add_tags_to_resource(ResourceName=service.describe("kept")["ARN"],
                                          Tags=[{"Key": "k", "Value": "v"}])
    before = service.describe("kept")
    service.stop()
    assert not answers_ping(redis)

    service.start()
    service.wait_available("kept")
    after = service.describe("kept")
    assert after == before
    assert service.endpoints("kept-mc") == cached
    wait_until(lambda: answers_ping(redis), "the engine is back at its address")
    assert redis_cli(redis, "SET", "k", "v") == "OK"
    tags = service.client().list_tags_for_resource(ResourceName=after["ARN"])["TagList"]
    assert tags == [{"Key": "k", "Value": "v"}]
    print(f"\nsecond start ready after {1000 * service.start_seconds:.0f} ms")


def fill(endpoint):
    assert redis_cli(endpoint, "SET", "greeting", "hello") == "OK"
    assert redis_cli(endpoint, "HSET", "h", "f", "v") == "1"
    assert redis_cli(endpoint, "SET", "brief", "x", "EX", "1000") == "OK"


def test_what_was_in_redis_is_back_after_a_stop(service):
    redis, = service.create("keeps")
    cached, = service.create("forgets", engine="memcached")
    fill(redis)
    assert memcached(cached, "set a 0 0 1\nx\n") == "STORED\n"
    service.stop()

    service.start()
    for name in ("keeps", "forgets"):
        service.wait_available(name)
    wait_until(lambda: answers_ping(redis), "the engine is back at its address")
    assert redis_cli(redis, "GET", "greeting") == "hello"
    assert redis_cli(redis, "HGET", "h", "f") == "v"
    assert 0 < int(redis_cli(redis, "TTL", "brief")) <= 1000
    wait_until(lambda: memcached_answers(cached), "memcached is back at its address")
    assert memcached(cached, "get a\n", until=b"END\r\n") == "END\n"
    os.kill(service.engine_pid(redis), signal.SIGKILL)
    wait_until(lambda: answers_ping(redis), "the engine is replaced")
    assert redis_cli(redis, "GET", "greeting") == "", "what a crash takes is gone, and nothing older comes back"


def memcached_answers(endpoint):
    with contextlib.suppress(OSError):
        return memcached(endpoint, "version\n").startswith("VERSION")
    return False


def test_data_that_is_not_to_be_kept_is_not(new_service):
    service = new_service("--no-keep-data").start()
    redis, = service.create("forgets")
    fill(redis)
    service.stop()
    assert not list(service.state_dir.rglob("dump.rdb"))
    service.start()
    service.wait_available("forgets")
    wait_until(lambda: answers_ping(redis), "the engine is back at its address")
    assert redis_cli(redis, "GET", "greeting") == ""


@pytest.mark.parametrize("is_sealed", [False, True], ids=["plain", "encrypted at rest"])
def test_a_group_is_back_with_its_roles_and_its_data(service, is_sealed):
    client = service.client()
    client.create_replication_group(ReplicationGroupId="pair", ReplicationGroupDescription="two of them",
                                    Engine="valkey", CacheNodeType="cache.t4g.micro", NumCacheClusters=2,
                                    AtRestEncryptionEnabled=is_sealed)
    client.get_waiter("replication_group_available").wait(ReplicationGroupId="pair",
                                                          WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    before = client.describe_replication_groups(ReplicationGroupId="pair")["ReplicationGroups"][0]
    primary = before["NodeGroups"][0]["PrimaryEndpoint"]
    fill(primary)
    service.stop()
    kept = list(service.state_dir.rglob("dump.rdb"))
    assert len(kept) == 2
    assert all((b"greeting" in path.read_bytes()) is not is_sealed for path in kept)

    service.start()
    wait_until(lambda: redis_cli(primary, "GET", "greeting") == "hello", "the primary with its data")
    wait_until(lambda: redis_cli(primary, "SET", "greeting", "again") == "OK", "writes to be taken")
    after = client.describe_replication_groups(ReplicationGroupId="pair")["ReplicationGroups"][0]
    assert [m["CurrentRole"] for m in after["NodeGroups"][0]["NodeGroupMembers"]] == \
        [m["CurrentRole"] for m in before["NodeGroups"][0]["NodeGroupMembers"]]
    replica, = [m["ReadEndpoint"] for m in after["NodeGroups"][0]["NodeGroupMembers"] if m["CurrentRole"] == "replica"]
    wait_until(lambda: redis_cli(replica, "GET", "greeting") == "again", "the replica to follow")
    assert redis_cli(replica, "HGET", "h", "f") == "v"


def test_damaged_files_of_a_group_encrypted_at_rest_are_told_of_and_not_dropped(service):
    client = service.client()
    client.create_replication_group(ReplicationGroupId="sealed", ReplicationGroupDescription="under a key",
                                    Engine="valkey", CacheNodeType="cache.t4g.micro", NumCacheClusters=1)
    client.get_waiter("replication_group_available").wait(ReplicationGroupId="sealed",
                                                          WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    endpoint = client.describe_replication_groups()["ReplicationGroups"][0]["NodeGroups"][0]["PrimaryEndpoint"]
    fill(endpoint)
    service.stop()
    path, = service.state_dir.rglob("dump.rdb")
    whole = path.read_bytes()
    path.write_bytes(whole[:-20] + b"x" * 20)

    service.start()
    wait_until(lambda: "data key" in node_file(path), "the agent to say what is wrong")
    assert not answers_ping(endpoint)
    path.write_bytes(whole)
    wait_until(lambda: redis_cli(endpoint, "GET", "greeting") == "hello", "the data, once the file is mended", 30)


def node_file(path):
    with contextlib.suppress(OSError):
        return (path.parent / "node.json").read_text()
    return ""


def test_it_ends_by_ctrl_c_too(service):
    endpoint, = service.create("brief")
    service.process.send_signal(signal.SIGINT)
    assert service.process.wait(30) == 0
    assert not answers_ping(endpoint)
    service.stop()


def test_killing_the_parent_leaves_nothing_that_hinders_the_next_start(service):
    endpoint, = service.create("orphan")
    service.process.kill()
    service.process.wait()
    service.process.stdout.close()
    service.process = None
    service.start()
    service.wait_available("orphan")
    wait_until(lambda: answers_ping(endpoint), "the cluster is back at its address")


def test_a_state_folder_has_one_service(service):
    status, said = refused(service, listen=f"127.0.0.1:{free_port()}")
    assert status == 1
    assert "already" in said and str(service.state_dir) in said
    assert answers_ping(service.create("unharmed")[0])


def test_a_taken_port_is_named(new_service):
    service = new_service()
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", service.port))
        taken.listen()
        status, said = refused(service)
    assert status == 1
    assert f"127.0.0.1:{service.port}" in said
    service.start()


def test_an_address_of_another_machine_is_named(new_service):
    service = new_service()
    status, said = refused(service, listen="192.0.2.1:9379")
    assert status == 1
    assert "192.0.2.1:9379" in said


def test_a_damaged_database_is_not_touched(service):
    service.create("precious")
    service.stop()
    path = database(service)
    for leftover in path.parent.glob(path.name + "-*"):
        leftover.unlink()
    content = bytearray(path.read_bytes())
    content[:4096] = os.urandom(4096)
    path.write_bytes(content)
    status, said = refused(service)
    assert status == 1
    assert path.name in said or "database" in said.lower(), said
    assert path.read_bytes() == bytes(content)


def test_a_database_of_the_future_is_not_touched(service):
    service.create("ahead")
    service.stop()
    path = database(service)
    kept = path.with_suffix(".kept")
    shutil.copy(path, kept)
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 9999")
    db.close()
    status, said = refused(service)
    assert status == 1
    assert "9999" in said or "newer" in said.lower(), said
    shutil.copy(kept, path)
    for leftover in path.parent.glob(path.name + "-*"):
        leftover.unlink()
    service.start()
    service.wait_available("ahead")


@pytest.mark.skipif(os.geteuid() == 0 and not os.path.exists("/usr/bin/setpriv"), reason="root writes read-only files")
def test_a_folder_that_cannot_be_written_is_named(new_service):
    service = new_service()
    service.state_dir.mkdir()
    service.state_dir.chmod(0o500)
    service.state_dir.parent.chmod(0o755)
    if os.geteuid() == 0:
        service.prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    status, said = refused(service)
    service.state_dir.chmod(0o700)
    assert status == 1
    assert str(service.state_dir) in said


def can_mount():
    tried = subprocess.run(["unshare", "--mount", "sh", "-c", "mount -t tmpfs none /mnt"], check=False,
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return tried.returncode == 0


@pytest.mark.skipif(not can_mount(), reason="needs a file system of its own (root and mount namespaces)")
def test_a_full_disk_loses_nothing(new_service):
    service = new_service()
    service.state_dir.mkdir()
    service.prefix = ["unshare", "--mount", "sh", "-c",
                      f'mount -t tmpfs -o size=8m none {service.state_dir} && exec "$@"', "sh"]
    service.start()
    seen_inside = f"/proc/{service.process.pid}/root{service.state_dir}"
    service.create("early")
    with open(f"{seen_inside}/ballast", "wb", buffering=0) as ballast:
        with contextlib.suppress(OSError):
            while True:
                ballast.write(b"x" * 512)
    client, made, refusal = service.client(), ["early"], None
    for number in range(200):
        try:
            client.create_cache_cluster(CacheClusterId=f"full-{number:03}", Engine="redis",
                                        CacheNodeType="cache.t4g.micro", NumCacheNodes=1)
            made.append(f"full-{number:03}")
        except ClientError as error:
            refusal = error.response
            break
    assert refusal, "200 clusters fitted on a full disk"
    assert refusal["ResponseMetadata"]["HTTPStatusCode"] >= 500 and refusal["Error"]["Message"]
    assert service.describe("early")["CacheClusterStatus"]
    os.unlink(f"{seen_inside}/ballast")
    service.create("late", client=client)
    for name in made:
        service.wait_available(name, client)
    listed = [c["CacheClusterId"] for c in client.describe_cache_clusters()["CacheClusters"]]
    assert listed == sorted([*made, "late"])


def test_the_programs_know_their_flags():
    for program in ("larder", "larderd", "larder-agent"):
        done = subprocess.run([str(BIN / program), "--version"], stdout=subprocess.PIPE, text=True, check=False, timeout=10)
        assert done.returncode == 0 and program in done.stdout
    for words in (["larder", "up", "--help"], ["larderd", "--help"], ["larder-agent", "--help"]):
        done = subprocess.run([str(BIN / words[0]), *words[1:]], stdout=subprocess.PIPE, text=True, check=False, timeout=10)
        assert done.returncode == 0 and "--state-dir" in done.stdout
