"""Options and the servers that most tests share.

    python3 -m pytest tests/conformance                 a short run, the same every time
    python3 -m pytest tests/conformance --long          more and other sequences; the seed is printed
    python3 -m pytest tests/conformance --seed 7        that seed
"""

import os
import random

import pytest
import servers


def pytest_addoption(parser):
    parser.addoption("--long", action="store_true", help="more sequences, larger loads, a seed of its own")
    parser.addoption("--seed", default=None, help="seed of the generated commands (default: 1; with --long: random)")


def pytest_configure(config):
    seed = config.getoption("--seed")
    if seed is None:
        seed = str(random.SystemRandom().randrange(10**9)) if config.getoption("--long") else "1"
    config.larder_seed = seed


def pytest_report_header(config):
    return "conformance: seed %s, engine %s, reference %s" % (config.larder_seed, servers.engine_path(), servers.REDIS)


@pytest.fixture(scope="session")
def seed(request):
    return request.config.larder_seed


@pytest.fixture(scope="session")
def is_long(request):
    return request.config.getoption("--long")


def pytest_sessionstart(session):
    for path in (servers.engine_path(), servers.REDIS, servers.MEMCACHED):
        if not os.access(path, os.X_OK):
            pytest.exit("conformance needs %s (LARDER_BIN_DIR says where larder-engine is)" % path, returncode=1)


@pytest.fixture(scope="session")
def shared_reference():
    shared = servers.Shared(servers.redis)
    yield shared
    shared.stop()


@pytest.fixture(scope="session")
def reference(shared_reference):
    return shared_reference.get()


def must_live(server):
    if not server.is_alive():
        pytest.fail("the engine died (%s):\n%s" % (server.proc.returncode, server.output()[-3000:]), pytrace=False)


@pytest.fixture(scope="session")
def shared_engine():
    shared = servers.Shared(servers.engine)
    yield shared
    shared.stop()


@pytest.fixture
def engine(shared_engine):
    """The shared engine, empty, and still alive when the test has ended."""
    server = shared_engine.get()
    with server.conn() as conn:
        conn.call("FLUSHALL")
    yield server
    must_live(server)


@pytest.fixture
def own_engine():
    """Starts engines with options of the test's own and stops them behind it."""
    started = []

    def start(**options):
        started.append(servers.engine(**options))
        return started[-1]
    yield start
    for server in started:
        server.stop()


@pytest.fixture
def start():
    """Starts servers and proxies and stops them behind the test."""
    started = []

    def begin(kind, *args, **options):
        started.append(kind(*args, **options))
        return started[-1]
    yield begin
    for one in reversed(started):
        (one.stop if hasattr(one, "stop") else one.close)()


@pytest.fixture(scope="session")
def shared_mc():
    """An engine that speaks memcached; tests begin by emptying it."""
    shared = servers.Shared(lambda: servers.engine(larder_protocol="memcached"))
    yield shared
    shared.stop()
