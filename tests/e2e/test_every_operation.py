"""Every operation, by the service's description: what is missing, of the wrong kind, or not there is answered by the right
fault, and nothing is changed."""
import contextlib
import sqlite3
import urllib.parse

import pytest

import spec

WRONG_NUMBER = "many"
WRONG_WORD = "no-such-word"

# What answers when the thing that a sample names is not there. An operation that is not here answers a sample of its own.
ABSENT = {
    "AddTagsToResource": "CacheClusterNotFound",
    "BatchApplyUpdateAction": "ServiceUpdateNotFoundFault",
    "BatchStopUpdateAction": "ServiceUpdateNotFoundFault",
    "CompleteMigration": "ReplicationGroupNotFoundFault",
    "CopyServerlessCacheSnapshot": "ServerlessCacheSnapshotNotFoundFault",
    "CopySnapshot": "SnapshotNotFoundFault",
    "CreateGlobalReplicationGroup": "ReplicationGroupNotFoundFault",
    "CreateServerlessCacheSnapshot": "ServerlessCacheNotFoundFault",
    "CreateSnapshot": "CacheClusterNotFound",
    "DecreaseNodeGroupsInGlobalReplicationGroup": "GlobalReplicationGroupNotFoundFault",
    "DecreaseReplicaCount": "ReplicationGroupNotFoundFault",
    "DeleteCacheCluster": "CacheClusterNotFound",
    "DeleteCacheParameterGroup": "CacheParameterGroupNotFound",
    "DeleteCacheSubnetGroup": "CacheSubnetGroupNotFoundFault",
    "DeleteGlobalReplicationGroup": "GlobalReplicationGroupNotFoundFault",
    "DeleteReplicationGroup": "ReplicationGroupNotFoundFault",
    "DeleteServerlessCache": "ServerlessCacheNotFoundFault",
    "DeleteServerlessCacheSnapshot": "ServerlessCacheSnapshotNotFoundFault",
    "DeleteSnapshot": "SnapshotNotFoundFault",
    "DeleteUser": "UserNotFound",
    "DeleteUserGroup": "UserGroupNotFound",
    "DescribeCacheClusters": "CacheClusterNotFound",
    "DescribeCacheParameterGroups": "CacheParameterGroupNotFound",
    "DescribeCacheParameters": "CacheParameterGroupNotFound",
    "DescribeCacheSubnetGroups": "CacheSubnetGroupNotFoundFault",
    "DescribeGlobalReplicationGroups": "GlobalReplicationGroupNotFoundFault",
    "DescribeReplicationGroups": "ReplicationGroupNotFoundFault",
    "DescribeReservedCacheNodes": "ReservedCacheNodeNotFound",
    "DescribeServerlessCacheSnapshots": "ServerlessCacheSnapshotNotFoundFault",
    "DescribeServerlessCaches": "ServerlessCacheNotFoundFault",
    "DescribeServiceUpdates": "ServiceUpdateNotFoundFault",
    "DescribeSnapshots": "SnapshotNotFoundFault",
    "DescribeUserGroups": "UserGroupNotFound",
    "DescribeUsers": "UserNotFound",
    "DisassociateGlobalReplicationGroup": "GlobalReplicationGroupNotFoundFault",
    "ExportServerlessCacheSnapshot": "ServerlessCacheSnapshotNotFoundFault",
    "FailoverGlobalReplicationGroup": "GlobalReplicationGroupNotFoundFault",
    "IncreaseNodeGroupsInGlobalReplicationGroup": "GlobalReplicationGroupNotFoundFault",
    "IncreaseReplicaCount": "ReplicationGroupNotFoundFault",
    "ListAllowedNodeTypeModifications": "CacheClusterNotFound",
    "ListTagsForResource": "CacheClusterNotFound",
    "ModifyCacheCluster": "CacheClusterNotFound",
    "ModifyCacheParameterGroup": "CacheParameterGroupNotFound",
    "ModifyCacheSubnetGroup": "CacheSubnetGroupNotFoundFault",
    "ModifyGlobalReplicationGroup": "GlobalReplicationGroupNotFoundFault",
    "ModifyReplicationGroup": "ReplicationGroupNotFoundFault",
    "ModifyReplicationGroupShardConfiguration": "ReplicationGroupNotFoundFault",
    "ModifyServerlessCache": "ServerlessCacheNotFoundFault",
    "ModifyUser": "UserNotFound",
    "ModifyUserGroup": "UserGroupNotFound",
    "PurchaseReservedCacheNodesOffering": "ReservedCacheNodesOfferingNotFound",
    "RebalanceSlotsInGlobalReplicationGroup": "GlobalReplicationGroupNotFoundFault",
    "RebootCacheCluster": "CacheClusterNotFound",
    "RemoveTagsFromResource": "CacheClusterNotFound",
    "ResetCacheParameterGroup": "CacheParameterGroupNotFound",
    "StartMigration": "ReplicationGroupNotFoundFault",
    "TestFailover": "ReplicationGroupNotFoundFault",
    "TestMigration": "ReplicationGroupNotFoundFault",
}

# Nobody's account may use these any more, whatever they name.
RETIRED = {"AuthorizeCacheSecurityGroupIngress", "CreateCacheSecurityGroup", "DeleteCacheSecurityGroup",
           "DescribeCacheSecurityGroups", "RevokeCacheSecurityGroupIngress"}


def wishes(house):
    """All that users asked for, as the database has it."""
    rows = {}
    with contextlib.closing(sqlite3.connect(next((house.state_dir / "larderd").glob("*.db")))) as db:
        for table, in db.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").fetchall():
            if table not in ("host", "host_goal", "node_saw") and not table.startswith(("node_point", "sqlite_")):
                rows[table] = sorted(map(repr, db.execute(f"SELECT * FROM {table}").fetchall()))
    return rows


@pytest.fixture(name="line", scope="module")
def make_line(house):
    return spec.Line(house.port)


@pytest.fixture(autouse=True)
def nothing_changes(house):
    before = wishes(house)
    yield
    assert wishes(house) == before


@pytest.mark.parametrize("operation", spec.OPERATIONS)
def test_each_required_member_must_be_there(line, operation):
    for member in spec.members_of(operation)[1]:
        request = {m: v for m, v in spec.SAMPLES[operation].items() if m != member}
        status, code, text = line.ask(spec.form(operation, request))
        assert (status, code) in ((400, "InvalidParameterValue"), (400, "MissingParameter"), (400, "InvalidParameterCombination")), \
            (member, text)
        assert "must be provided" in text, (member, text)


@pytest.mark.parametrize("operation", spec.OPERATIONS)
def test_each_member_must_be_of_its_kind(line, operation):
    members, _ = spec.members_of(operation)
    for member, place in members.items():
        shape = spec.SHAPES[place["shape"]]
        is_word = "enum" in shape
        if shape["type"] not in ("integer", "long", "boolean", "double", "timestamp") and not is_word:
            continue
        wrong = WRONG_WORD if is_word else WRONG_NUMBER
        rest = {m: v for m, v in spec.SAMPLES[operation].items() if m != member}
        status, code, text = line.ask(spec.form(operation, rest) + "&" + urllib.parse.urlencode({member: wrong}))
        assert status == 400 and code in ("InvalidParameterValue", "MalformedInput"), (member, text)
        assert wrong in text or member in text, (member, text)


@pytest.mark.parametrize("operation", spec.OPERATIONS)
def test_a_number_far_out_of_range_is_refused_or_served(line, operation):
    """Some numbers have bounds that the description does not tell: whichever they are, -2^31 is beyond."""
    members, _ = spec.members_of(operation)
    for member, place in members.items():
        if spec.SHAPES[place["shape"]]["type"] != "integer":
            continue
        request = {**spec.SAMPLES[operation], member: -2147483648}
        status, code, text = line.ask(spec.form(operation, request))
        assert 400 <= status < 500 and code in spec.codes_of(operation), (member, text)


@pytest.mark.parametrize("operation", ABSENT)
def test_what_is_not_there_is_named(line, operation):
    status, code, text = line.ask(spec.form(operation, spec.SAMPLES[operation]))
    assert code == ABSENT[operation], text
    assert status in (400, 404) and ("fuzz" in text or "ldgnf" in text), text


@pytest.mark.parametrize("operation", sorted(RETIRED))
def test_cache_security_groups_are_not_for_these_accounts(line, operation):
    status, code, text = line.ask(spec.form(operation, spec.SAMPLES[operation]))
    assert status == 400 and "not permitted" in text, (code, text)


def test_every_operation_is_looked_at():
    creates = {"CreateCacheCluster", "CreateCacheParameterGroup", "CreateCacheSubnetGroup", "CreateReplicationGroup",
               "CreateServerlessCache", "CreateUser", "CreateUserGroup"}
    free = {"DescribeCacheEngineVersions", "DescribeEngineDefaultParameters", "DescribeEvents",
            "DescribeReservedCacheNodesOfferings", "DescribeUpdateActions"}
    assert set(ABSENT) | RETIRED | creates | free == set(spec.SERVICE["operations"])
    assert set(spec.SAMPLES) == set(spec.SERVICE["operations"])
