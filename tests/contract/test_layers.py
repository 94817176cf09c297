"""The layers of the house, read off every #include: an arrow that is not drawn here fails.

The graph is that of the style guide. A module may include itself, what its arrow points at, and
everything below that; modules on one line never include each other unless an arrow says so.
"""
import functools
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]

# module -> the modules its arrows point at. `contract` is what specgen generates.
ARROWS = {
    "base": [],
    "contract": ["base"],
    "nameserver": ["contract"],
    "lease": ["base"],
    # control plane
    "controlplane/model": ["contract"],
    "controlplane/store": ["controlplane/model"],
    "controlplane/dns": ["nameserver"],
    "controlplane/pki": ["base"],
    "controlplane/vote": ["lease"],
    "controlplane/lead": ["controlplane/store", "controlplane/vote"],
    "controlplane/ops": ["controlplane/store"],
    "controlplane/fleet": ["controlplane/store"],
    "controlplane/notify": ["controlplane/store"],
    "controlplane/vault": ["controlplane/store"],
    "controlplane/upkeep": ["controlplane/ops"],
    "controlplane/reconcile": ["controlplane/store", "controlplane/dns", "controlplane/pki", "controlplane/vote"],
    "controlplane/api": ["controlplane/ops"],
    "controlplane/commandline": ["controlplane/fleet", "controlplane/notify"],
    "controlplane/front": ["controlplane/api", "controlplane/dns", "controlplane/fleet", "controlplane/vault"],
    "controlplane": ["controlplane/front", "controlplane/notify", "controlplane/commandline", "controlplane/lead", "controlplane/pki",
                     "controlplane/reconcile", "controlplane/upkeep", "controlplane/vault", "controlplane/vote"],
    # agent
    "agent/supervise": ["contract"],
    "agent/shim": ["contract"],
    "agent/drivers": ["agent/supervise"],
    "agent/steps": ["agent/drivers"],
    "agent/hang": ["base"],
    "agent/observe": ["agent/drivers", "agent/hang"],
    "agent/govern": ["agent/drivers"],
    "agent/tasks": ["agent/drivers"],
    "agent/seeds": ["agent/drivers"],
    "agent/measure": ["agent/drivers"],
    "agent/ship": ["agent/drivers"],
    "agent/tokens": ["agent/tasks"],
    "agent/plane": ["base"],
    "agent/topologies": ["contract"],
    "agent/link": ["agent/steps", "agent/plane", "agent/topologies"],
    "agent/peers": ["contract", "lease"],
    "agent/leases": ["agent/steps", "agent/peers"],
    "agent/names": ["agent/supervise", "nameserver"],
    "agent/addresses": ["agent/drivers"],
    "agent": ["agent/addresses", "agent/link", "agent/leases", "agent/observe", "agent/govern", "agent/measure", "agent/names", "agent/seeds", "agent/ship", "agent/tasks", "agent/tokens", "agent/shim"],
    # engine
    "cacheengine/keyspace": ["contract"],
    "cacheengine/types": ["cacheengine/keyspace"],
    "cacheengine/persist": ["cacheengine/keyspace"],
    "cacheengine/repl": ["cacheengine/keyspace"],
    "cacheengine/cluster": ["cacheengine/keyspace"],
    "cacheengine/acl": ["cacheengine/keyspace"],
    "cacheengine/script": ["cacheengine/keyspace"],
    "cacheengine/dispatch": ["cacheengine/types", "cacheengine/persist", "cacheengine/repl", "cacheengine/cluster",
                             "cacheengine/acl", "cacheengine/script"],
    "cacheengine/proto": ["cacheengine/dispatch"],
    "cacheengine/net": ["cacheengine/proto"],
    "cacheengine": ["cacheengine/net"],
    # command line
    "cli/commands": ["contract"],
    "cli/up": ["contract"],
    "cli/stack": ["contract"],
    "cli": ["cli/commands", "cli/up", "cli/stack"],
}

# One library, one door: header pattern -> where it may be included.
DOORS = {
    r"microhttpd\.h": ["controlplane/front/"],
    r"sqlite3(ext)?\.h": ["controlplane/store/"],
    r"ldns/.*": ["controlplane/dns/", "nameserver/"],
    r"cbor\.h": ["controlplane/api/cbor.c"],
    r"(liblzf/)?lzf\.h": ["cacheengine/keyspace/lzf.c"],
    r"curl/.*": ["base/http.c"],
    r"openssl/.*": ["cacheengine/net/tls", "base/seal.c", "controlplane/pki/", "tests/unit/cacheengine/net/tls",
                     "tests/unit/controlplane/pki/"],
    r"nettle/.*": ["base/digest.c"],
    r"(cjson/)?cJSON\.h": ["base/json.c", "api-spec/"],
    r"(lua|lauxlib|lualib|lua-cjson)\.h": ["cacheengine/script/"],
    r"criterion/.*": ["tests/"],
}

TREES = ["base", "nameserver", "lease", "controlplane", "agent", "cacheengine", "cli"]
INCLUDE = re.compile(r'^\s*#\s*include\s+([<"])([^>"]+)[>"]', re.MULTILINE)


def sources():
    for tree in TREES:
        yield from sorted(p for p in (ROOT / tree).rglob("*") if p.suffix in (".c", ".h", ".def"))


def includes(path):
    return INCLUDE.findall(path.read_text())


def relative(path):
    return path.relative_to(ROOT).as_posix()


def module_of(name):
    """The module that a path belongs to: its folder where that is drawn, else one drawn for the file."""
    if name.startswith("contract/"):
        return "contract"
    by_file = name.rsplit(".", 1)[0]
    if by_file in ARROWS:
        return by_file
    folder = name.rpartition("/")[0]
    while folder and folder not in ARROWS:
        folder = folder.rpartition("/")[0]
    return folder or None


@functools.cache
def allowed(module):
    """What a module may include: itself and everything that its arrows reach."""
    reached = {module}
    for below in ARROWS[module]:
        reached |= allowed(below)
    return frozenset(reached)


def test_every_source_file_belongs_to_a_module():
    assert [relative(p) for p in sources() if module_of(relative(p)) is None] == []


def test_no_include_goes_against_the_arrows():
    wrong = []
    for path in sources():
        name = relative(path)
        for mark, header in includes(path):
            target = module_of(header) if mark == '"' and "/" in header else None
            if target and target not in allowed(module_of(name)):
                wrong.append(f"{name}: {module_of(name)} must not include {header} ({target})")
    assert wrong == []


def test_own_headers_are_included_by_their_path_from_the_root():
    """A bare "name.h" would hide its module from these checks."""
    wrong = [f"{relative(p)}: \"{header}\"" for p in sources() for mark, header in includes(p)
             if mark == '"' and not (ROOT / header).exists() and not header.startswith("contract/")
             and not header.endswith(".inc")]
    assert wrong == []


@pytest.mark.parametrize("pattern", DOORS)
def test_a_library_is_included_only_at_its_door(pattern):
    door = DOORS[pattern]
    files = [p for tree in [*TREES, "api-spec", "tests"] for p in (ROOT / tree).rglob("*.[ch]")]
    wrong = [f"{relative(p)}: {header}" for p in files for _, header in includes(p)
             if re.fullmatch(pattern, header)
             and not any(relative(p).startswith((d, f"tests/unit/{d}")) for d in door)]
    assert wrong == []


def test_no_module_includes_itself_in_a_circle():
    """The graph above must stay a graph without circles, or `allowed` would mean nothing."""
    def below(module, seen):
        assert module not in seen, f"circle through {module}"
        for target in ARROWS[module]:
            below(target, seen | {module})

    for module in ARROWS:
        below(module, frozenset())


def test_the_mirror_holds_no_test_of_a_file_that_is_gone():
    """tests/unit mirrors the tree: each test_NAME.c stands for a NAME.c, a module or a set of its files."""
    wrong = []
    for test in sorted((ROOT / "tests" / "unit").rglob("test_*.c")):
        folder = ROOT / test.parent.relative_to(ROOT / "tests" / "unit")
        if not folder.is_dir():
            wrong.append(f"{relative(test)}: there is no folder {relative(folder)}")
    assert wrong == []


def mirrored_folders():
    """Folders of the product whose unit tests have begun: from then on every file there needs its own."""
    for build in sorted((ROOT / "tests" / "unit").rglob("CMakeLists.txt")):
        folder = ROOT / build.parent.relative_to(ROOT / "tests" / "unit")
        if folder.is_dir():
            yield folder


# Files that no test calls by name, and the test file that runs them all the same.
RUN_BY = {
    "cacheengine/cluster/migration_feed.c": "tests/unit/cacheengine/cluster/test_migration.c",
    "cacheengine/cluster/migration_pieces.c": "tests/unit/cacheengine/cluster/test_migration.c",
    "cacheengine/dispatch/moving.c": "tests/conformance/test_migration.py",
    "cacheengine/dispatch/append_load.c": "tests/unit/cacheengine/dispatch/test_append.c",
    "cacheengine/dispatch/append_retell.c": "tests/unit/cacheengine/dispatch/test_append.c",
    "cacheengine/dispatch/append_rewrite.c": "tests/unit/cacheengine/dispatch/test_append.c",
    "cacheengine/dispatch/followers_feed.c": "tests/unit/cacheengine/dispatch/test_followers.c",
    "cacheengine/dispatch/followers_sync.c": "tests/unit/cacheengine/dispatch/test_followers.c",
    "cacheengine/dispatch/memory.c": "tests/unit/cacheengine/dispatch/test_cmd_memory.c",
    "base/command.c": "tests/conformance/test_edges.py",
    "base/command_names.c": "tests/conformance/test_edges.py",
    "cacheengine/persist/snapshot_load.c": "tests/unit/cacheengine/persist/test_snapshot.c",
    "cacheengine/persist/snapshot_save.c": "tests/unit/cacheengine/persist/test_snapshot.c",
    "cacheengine/proto/protocol.c": "tests/conformance/test_connection.py",
    "cacheengine/proto/resp.c": "tests/conformance/test_connection.py",
    "cacheengine/types/collection.c": "tests/unit/cacheengine/types/test_t_hash.c",
    "cacheengine/types/collection_record.c": "tests/unit/cacheengine/types/test_t_dump.c",
    "cacheengine/types/each.c": "tests/unit/cacheengine/dispatch/test_append.c",
    "cacheengine/types/packed_value.c": "tests/unit/cacheengine/types/test_t_hash.c",
    "cacheengine/types/sample.c": "tests/conformance/test_differential.py",
    "cacheengine/types/scan.c": "tests/conformance/test_differential.py",
    "cacheengine/types/t_zset_form.c": "tests/conformance/test_differential.py",
    "cacheengine/types/t_zset_record.c": "tests/unit/cacheengine/types/test_t_dump.c",
    "cacheengine/types/types.c": "tests/conformance/test_edges.py",
    "controlplane/ops/resizing.c": "tests/unit/controlplane/reconcile/test_scale_steps.c",
    "controlplane/reconcile/apply.c": "tests/unit/controlplane/reconcile/test_loop.c",
    "controlplane/ops/group_facts.c": "tests/unit/controlplane/ops/test_ec_groups.c",
    "controlplane/ops/group_plan.c": "tests/unit/controlplane/ops/test_ec_groups_create.c",
    "controlplane/ops/membership.c": "tests/unit/controlplane/ops/test_ec_groups_create.c",
    "controlplane/ops/wire_groups.c": "tests/unit/controlplane/ops/test_ec_groups_create.c",
    "controlplane/reconcile/group_view.c": "tests/unit/controlplane/reconcile/test_groups.c",
    "controlplane/reconcile/names.c": "tests/unit/controlplane/reconcile/test_loop.c",
    "controlplane/reconcile/member_steps.c": "tests/unit/controlplane/reconcile/test_group_steps.c",
    "controlplane/reconcile/reshard_steps.c": "tests/unit/controlplane/reconcile/test_group_steps.c",
    "controlplane/reconcile/switch_steps.c": "tests/unit/controlplane/reconcile/test_group_steps.c",
    "controlplane/reconcile/view.c": "tests/unit/controlplane/reconcile/test_loop.c",
}

# Functions and tables with external linkage begin at the left margin, with their type.
DEFINITION = re.compile(r"^(?!static|typedef|extern|return|else)[a-z][\w\s*]*?[\s*](\w+)\s*(?:\(|\[[^]]*\]\s*=|=)",
                        re.MULTILINE)


@functools.cache
def words_of(folder, pattern):
    files = (ROOT / "tests" / folder).rglob(pattern)
    return frozenset(w for t in files for w in re.findall(r"\w+", t.read_text(errors="replace")))


def is_run(path):
    """Whether a unit test names something that the file defines; commands are named as clients send them."""
    defined = set(DEFINITION.findall(path.read_text()))
    commands = {name.removeprefix("cmd_").split("_")[0] for name in defined if name.startswith("cmd_")}
    said = words_of("unit/cacheengine", "*.c") | words_of("conformance", "*.py") | words_of("conformance", "*.txt")
    return bool(defined & words_of("unit", "*.c")) or bool(commands & {w.lower() for w in said})


def test_the_list_of_files_run_by_others_is_of_files_that_exist():
    assert [p for pair in RUN_BY.items() for p in pair if not (ROOT / p).exists()] == []


@pytest.mark.parametrize("folder", mirrored_folders(), ids=relative)
def test_every_file_of_a_tested_module_is_run_by_a_unit_test(folder):
    """A .c file is mirrored by test_<file>.c, or a test names something that it defines: a function or, for the
    engine's commands, the command; those are compared with redis-server by tests/conformance."""
    tests = ROOT / "tests" / "unit" / folder.relative_to(ROOT)
    wrong = []
    for path in sorted(folder.glob("*.c")):
        name = relative(path)
        mirror = tests / f"test_{path.name}"
        if path.name != "main.c" and not mirror.exists() and name not in RUN_BY and not is_run(path):
            wrong.append(name)
    assert wrong == []


def test_migrations_have_numbers_of_their_own_without_a_gap():
    names = sorted(p.name for p in (ROOT / "controlplane/store/migrations").glob("*.sql"))
    assert [n.split("_")[0] for n in names] == [f"{i:04}" for i in range(1, len(names) + 1)]
