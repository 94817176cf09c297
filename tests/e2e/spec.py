"""Requests made from the service's description in api-spec/: every operation, its members, its faults."""
import http.client
import json
import pathlib
import random
import re
import urllib.parse
import xml.etree.ElementTree as ElementTree

SPEC = pathlib.Path(__file__).resolve().parents[2] / "api-spec"
SERVICE = json.loads((SPEC / "services/elasticache.json").read_text())
SHAPES = SERVICE["shapes"]
COMMON_CODES = set(json.loads((SPEC / "faults.json").read_text())["faults"])
NAMESPACE = "{http://elasticache.amazonaws.com/doc/2015-02-02/}"


OPERATIONS = dict(sorted(SERVICE["operations"].items()))


def members_of(operation):
    shape = SHAPES[OPERATIONS[operation]["in"]]
    return shape["members"], shape.get("required") or []


def codes_of(operation):
    """The codes that an answer of this operation may have."""
    return COMMON_CODES | {SHAPES[e]["error"]["code"] for e in OPERATIONS[operation].get("errors", [])}


def flat(shape, value, name):
    """A value as the parameters of a Query request."""
    shape = SHAPES[shape]
    if shape["type"] == "structure" and isinstance(value, dict):
        for key, part in value.items():
            yield from flat(shape["members"][key]["shape"], part, f"{name}.{key}" if name else key)
    elif shape["type"] == "list" and isinstance(value, list):
        for number, part in enumerate(value, 1):
            yield from flat(shape["item"]["shape"], part, f"{name}.{shape['item'].get('name', 'member')}.{number}")
    elif isinstance(value, bool):
        yield name, "true" if value else "false"
    else:
        yield name, str(value)


def form(operation, request):
    pairs = [("Action", operation), ("Version", "2015-02-02"), *flat(OPERATIONS[operation]["in"], request, "")]
    return urllib.parse.urlencode(pairs)


class Line:
    """A connection that lives as long as its requests do."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, body):
        """Status, code ('' for none) and the answer."""
        self.connection.request("POST", "/", body, {"Content-Type": "application/x-www-form-urlencoded"})
        response = self.connection.getresponse()
        text = response.read()
        code = ""
        if response.status != 200:
            code = ElementTree.fromstring(text).findtext(f"{NAMESPACE}Error/{NAMESPACE}Code") or ""
        return response.status, code, text.decode()


# --- values ---------------------------------------------------------------------------------------------------------

# What members are about, by their names; the first that fits. Few of each, so that requests meet.
WORDS = [
    (r"^(CacheClusterId|PrimaryClusterId|SnapshottingClusterId)$", ["fuzz-a", "fuzz-b", "fuzz-c", "fuzz-g-001", "fuzz-g-0001-001"]),
    (r"^CacheClusterIdList|^RemoveReplicas", ["fuzz-a", "fuzz-g-001", "fuzz-g-002", "fuzz-h-0001-002"]),
    (r"GlobalReplicationGroupId", ["fuzzg", "ldgnf-fuzzg", "virxk-fuzzg"]),
    (r"ReplicationGroupRegion|PrimaryRegion", ["us-east-1", "eu-west-1"]),
    (r"ReplicationGroupId", ["fuzz-g", "fuzz-h"]),
    (r"Serverless.*Snapshot|^ServerlessCacheSnapshotName", ["fuzz-ss", "fuzz-st"]),
    (r"^ServerlessCacheName", ["fuzz-sl"]),
    (r"Snapshot(Name|Identifier)$|FinalSnapshot", ["fuzz-snap", "fuzz-snap-2"]),
    (r"ParameterGroupFamily", ["redis7", "valkey8", "memcached1.6", "redis6.x"]),
    (r"CacheParameterGroupName", ["fuzz-pg", "default.redis7", "default.valkey8", "default.memcached1.6", "default.redis7.cluster.on"]),
    (r"CacheSubnetGroupName", ["fuzz-sg", "default"]),
    (r"UserGroupId", ["fuzz-ug"]),
    (r"^UserName$", ["default", "fuzz-u", "fuzz-v"]),
    (r"UserId", ["default", "fuzz-u", "fuzz-v", "fuzz-d"]),
    (r"CacheNodeType$", ["cache.t4g.micro", "cache.t4g.small", "cache.m7g.large", "cache.t1.micro"]),
    (r"MajorEngineVersion", ["7", "8", "1.6"]),
    (r"EngineVersion", ["7.1", "7.0", "6.2", "8.0", "1.6.22", "5.0.6"]),
    (r"^Engine$", ["redis", "valkey", "memcached"]),
    (r"AvailabilityZone", ["us-east-1a", "us-east-1b", "us-east-1c", "eu-west-1a"]),
    (r"CacheNodeId", ["0001", "0002"]),
    (r"NodeGroup(s|Id)|GlobalNodeGroup", ["0001", "0002"]),
    (r"SubnetI", ["subnet-0a", "subnet-0b"]),
    (r"SecurityGroupIds", ["sg-1"]),
    (r"CacheSecurityGroup|EC2SecurityGroup", ["default", "fuzz"]),
    (r"MaintenanceWindow", ["sun:05:00-sun:06:00", "mon:23:30-tue:00:30", "sun:05:00-sun:05:10"]),
    (r"SnapshotWindow", ["03:00-04:00", "23:30-00:30", "03:00-03:10"]),
    (r"DailySnapshotTime", ["03:00", "24:00"]),
    (r"AccessString", ["on ~* +@all", "off -@all", "on ~app:* -@all +get", "on >x"]),
    (r"Password", ["a-password-of-16", "another-password", "short"]),
    (r"AuthToken$", ["a-token-of-16-chars", "another-token-of-20"]),
    (r"ParameterName$", ["maxmemory-policy", "timeout", "notify-keyspace-events", "no-such"]),
    (r"ParameterValue", ["allkeys-lru", "20", "KEA", "nonsense"]),
    (r"Arn|ResourceName", ["arn:aws:elasticache:us-east-1:000000000000:cluster:fuzz-a",
                           "arn:aws:elasticache:us-east-1:000000000000:replicationgroup:fuzz-g",
                           "arn:aws:elasticache:us-east-1:000000000000:user:fuzz-u",
                           "arn:aws:sns:us-east-1:000000000000:topic", "arn:aws:s3:::bucket/key.rdb"]),
    (r"^(Marker|NextToken)$", ["", "bm9uc2Vuc2U="]),
    (r"^Duration|OfferingType|ProductDescription", ["31536000", "No Upfront", "redis"]),
    (r"ServiceUpdateName", ["elasticache-20260101-001"]),
    (r"Slots", ["0-8191", "8192-16383", "0-16383", "5"]),
    (r"SnapshotSource|^Source$", ["user", "system"]),
    (r"^Address$", ["127.0.0.1"]),
    (r"^Key$|KeyList", ["team", "env", "aws:no"]),
]
ODD = ["", "x", "ü-ñ", "a" * 300, "--", "%", "<&>", "0", "\t"]


def number(name, r):
    if name.startswith(("Num", "NodeGroupCount", "ReplicasPer", "ReplicaCount", "NewReplicaCount", "CacheNodeCount")):
        return r.choice([1, 1, 2, 2, 0, -1, 7])
    if name == "Port":
        return r.choice([6379, 11211, 7000, 0, 70000])
    return r.choice([0, 1, 2, 20, 50, 100, 1000, -5, 2147483647])


def text(name, r):
    if r.random() < 0.04:
        return r.choice(ODD)
    for pattern, words in WORDS:
        if re.search(pattern, name):
            return r.choice(words)
    return r.choice(["fuzz", "d", "some text", "b"])


def value(name, shape_name, r, shapes=SHAPES):
    """A value that has the right shape, and mostly sense."""
    shape = shapes[shape_name]
    kind = shape["type"]
    if kind == "structure":
        required = shape.get("required") or []
        return {m: value(m, member["shape"], r, shapes) for m, member in shape["members"].items()
                if m in required or r.random() < 0.5}
    if kind == "list":
        return [value(name if shapes[shape["item"]["shape"]]["type"] != "structure" else "", shape["item"]["shape"], r, shapes)
                for _ in range(r.choice([1, 1, 1, 2, 2, 0]))]
    if kind == "boolean":
        return r.random() < 0.6
    if kind in ("integer", "long"):
        return number(name, r)
    if kind == "double":
        return r.choice([0.5, 1, 100])
    if kind == "timestamp":
        return r.choice(["2026-11-28T00:00:00Z", "2020-01-01T00:00:00.000Z"])
    if "enum" in shape and r.random() < 0.97:
        return r.choice(shape["enum"])
    return text(name, r)


def members_at_random(shape_name, r, shapes=SHAPES):
    shape = shapes[shape_name]
    required = shape.get("required") or []
    share = r.choice([0.05, 0.15, 0.3])
    return {m: value(m, member["shape"], r, shapes) for m, member in shape["members"].items()
            if (m in required and r.random() < 0.98) or r.random() < share}


# Requests that can be served where what they name is there; what a random request begins with as often as with nothing.
ARN = "arn:aws:elasticache:us-east-1:000000000000:"
SAMPLES = {
    "AddTagsToResource": {"ResourceName": ARN + "cluster:fuzz-a", "Tags": [{"Key": "team", "Value": "blue"}]},
    "AuthorizeCacheSecurityGroupIngress": {"CacheSecurityGroupName": "fuzz", "EC2SecurityGroupName": "x",
                                           "EC2SecurityGroupOwnerId": "000000000000"},
    "BatchApplyUpdateAction": {"ServiceUpdateName": "fuzz-update", "ReplicationGroupIds": ["fuzz-g"]},
    "BatchStopUpdateAction": {"ServiceUpdateName": "fuzz-update", "ReplicationGroupIds": ["fuzz-g"]},
    "CompleteMigration": {"ReplicationGroupId": "fuzz-g"},
    "CopyServerlessCacheSnapshot": {"SourceServerlessCacheSnapshotName": "fuzz-ss", "TargetServerlessCacheSnapshotName": "fuzz-st"},
    "CopySnapshot": {"SourceSnapshotName": "fuzz-snap", "TargetSnapshotName": "fuzz-snap-2"},
    "CreateCacheCluster": {"CacheClusterId": "fuzz-a", "Engine": "redis", "CacheNodeType": "cache.t4g.micro", "NumCacheNodes": 1},
    "CreateCacheParameterGroup": {"CacheParameterGroupName": "fuzz-pg", "CacheParameterGroupFamily": "redis7", "Description": "d"},
    "CreateCacheSecurityGroup": {"CacheSecurityGroupName": "fuzz", "Description": "d"},
    "CreateCacheSubnetGroup": {"CacheSubnetGroupName": "fuzz-sg", "CacheSubnetGroupDescription": "d", "SubnetIds": ["subnet-0a"]},
    "CreateGlobalReplicationGroup": {"GlobalReplicationGroupIdSuffix": "fuzzg", "PrimaryReplicationGroupId": "fuzz-g"},
    "CreateReplicationGroup": {"ReplicationGroupId": "fuzz-g", "ReplicationGroupDescription": "d", "Engine": "valkey",
                               "CacheNodeType": "cache.t4g.micro"},
    "CreateServerlessCache": {"ServerlessCacheName": "fuzz-sl", "Engine": "valkey"},
    "CreateServerlessCacheSnapshot": {"ServerlessCacheSnapshotName": "fuzz-ss", "ServerlessCacheName": "fuzz-sl"},
    "CreateSnapshot": {"SnapshotName": "fuzz-snap", "CacheClusterId": "fuzz-a"},
    "CreateUser": {"UserId": "fuzz-u", "UserName": "fuzz-u", "Engine": "redis", "AccessString": "on ~* +@all",
                   "Passwords": ["a-password-of-16"]},
    "CreateUserGroup": {"UserGroupId": "fuzz-ug", "Engine": "redis", "UserIds": ["default"]},
    "DecreaseNodeGroupsInGlobalReplicationGroup": {"GlobalReplicationGroupId": "ldgnf-fuzzg", "NodeGroupCount": 1,
                                                   "ApplyImmediately": True, "GlobalNodeGroupsToRemove": ["0002"]},
    "DecreaseReplicaCount": {"ReplicationGroupId": "fuzz-g", "NewReplicaCount": 1, "ApplyImmediately": True},
    "DeleteCacheCluster": {"CacheClusterId": "fuzz-a"},
    "DeleteCacheParameterGroup": {"CacheParameterGroupName": "fuzz-pg"},
    "DeleteCacheSecurityGroup": {"CacheSecurityGroupName": "fuzz"},
    "DeleteCacheSubnetGroup": {"CacheSubnetGroupName": "fuzz-sg"},
    "DeleteGlobalReplicationGroup": {"GlobalReplicationGroupId": "ldgnf-fuzzg", "RetainPrimaryReplicationGroup": True},
    "DeleteReplicationGroup": {"ReplicationGroupId": "fuzz-g"},
    "DeleteServerlessCache": {"ServerlessCacheName": "fuzz-sl"},
    "DeleteServerlessCacheSnapshot": {"ServerlessCacheSnapshotName": "fuzz-ss"},
    "DeleteSnapshot": {"SnapshotName": "fuzz-snap"},
    "DeleteUser": {"UserId": "fuzz-u"},
    "DeleteUserGroup": {"UserGroupId": "fuzz-ug"},
    "DescribeCacheClusters": {"CacheClusterId": "fuzz-a"},
    "DescribeCacheEngineVersions": {},
    "DescribeCacheParameterGroups": {"CacheParameterGroupName": "fuzz-pg"},
    "DescribeCacheParameters": {"CacheParameterGroupName": "fuzz-pg"},
    "DescribeCacheSecurityGroups": {"CacheSecurityGroupName": "fuzz"},
    "DescribeCacheSubnetGroups": {"CacheSubnetGroupName": "fuzz-sg"},
    "DescribeEngineDefaultParameters": {"CacheParameterGroupFamily": "redis7"},
    "DescribeEvents": {},
    "DescribeGlobalReplicationGroups": {"GlobalReplicationGroupId": "ldgnf-fuzzg"},
    "DescribeReplicationGroups": {"ReplicationGroupId": "fuzz-g"},
    "DescribeReservedCacheNodes": {"ReservedCacheNodeId": "fuzz-r"},
    "DescribeReservedCacheNodesOfferings": {},
    "DescribeServerlessCacheSnapshots": {"ServerlessCacheSnapshotName": "fuzz-ss"},
    "DescribeServerlessCaches": {"ServerlessCacheName": "fuzz-sl"},
    "DescribeServiceUpdates": {"ServiceUpdateName": "fuzz-update"},
    "DescribeSnapshots": {"SnapshotName": "fuzz-snap"},
    "DescribeUpdateActions": {},
    "DescribeUserGroups": {"UserGroupId": "fuzz-ug"},
    "DescribeUsers": {"UserId": "fuzz-u"},
    "DisassociateGlobalReplicationGroup": {"GlobalReplicationGroupId": "ldgnf-fuzzg", "ReplicationGroupId": "fuzz-g",
                                           "ReplicationGroupRegion": "us-east-1"},
    "ExportServerlessCacheSnapshot": {"ServerlessCacheSnapshotName": "fuzz-ss", "S3BucketName": "bucket"},
    "FailoverGlobalReplicationGroup": {"GlobalReplicationGroupId": "ldgnf-fuzzg", "PrimaryRegion": "us-east-1",
                                       "PrimaryReplicationGroupId": "fuzz-g"},
    "IncreaseNodeGroupsInGlobalReplicationGroup": {"GlobalReplicationGroupId": "ldgnf-fuzzg", "NodeGroupCount": 2,
                                                   "ApplyImmediately": True},
    "IncreaseReplicaCount": {"ReplicationGroupId": "fuzz-g", "NewReplicaCount": 2, "ApplyImmediately": True},
    "ListAllowedNodeTypeModifications": {"CacheClusterId": "fuzz-a"},
    "ListTagsForResource": {"ResourceName": ARN + "cluster:fuzz-a"},
    "ModifyCacheCluster": {"CacheClusterId": "fuzz-a", "ApplyImmediately": True, "CacheNodeType": "cache.t4g.small"},
    "ModifyCacheParameterGroup": {"CacheParameterGroupName": "fuzz-pg",
                                  "ParameterNameValues": [{"ParameterName": "timeout", "ParameterValue": "20"}]},
    "ModifyCacheSubnetGroup": {"CacheSubnetGroupName": "fuzz-sg", "CacheSubnetGroupDescription": "other"},
    "ModifyGlobalReplicationGroup": {"GlobalReplicationGroupId": "ldgnf-fuzzg", "ApplyImmediately": True,
                                     "GlobalReplicationGroupDescription": "other"},
    "ModifyReplicationGroup": {"ReplicationGroupId": "fuzz-g", "ApplyImmediately": True, "ReplicationGroupDescription": "other"},
    "ModifyReplicationGroupShardConfiguration": {"ReplicationGroupId": "fuzz-h", "NodeGroupCount": 2, "ApplyImmediately": True},
    "ModifyServerlessCache": {"ServerlessCacheName": "fuzz-sl", "Description": "other"},
    "ModifyUser": {"UserId": "fuzz-u", "AppendAccessString": "+get"},
    "ModifyUserGroup": {"UserGroupId": "fuzz-ug", "UserIdsToAdd": ["fuzz-u"]},
    "PurchaseReservedCacheNodesOffering": {"ReservedCacheNodesOfferingId": "fuzz-offering"},
    "RebalanceSlotsInGlobalReplicationGroup": {"GlobalReplicationGroupId": "ldgnf-fuzzg", "ApplyImmediately": True},
    "RebootCacheCluster": {"CacheClusterId": "fuzz-a", "CacheNodeIdsToReboot": ["0001"]},
    "RemoveTagsFromResource": {"ResourceName": ARN + "cluster:fuzz-a", "TagKeys": ["team"]},
    "ResetCacheParameterGroup": {"CacheParameterGroupName": "fuzz-pg", "ResetAllParameters": True},
    "RevokeCacheSecurityGroupIngress": {"CacheSecurityGroupName": "fuzz", "EC2SecurityGroupName": "x",
                                        "EC2SecurityGroupOwnerId": "000000000000"},
    "StartMigration": {"ReplicationGroupId": "fuzz-g", "CustomerNodeEndpointList": [{"Address": "127.0.0.1", "Port": 1}]},
    "TestFailover": {"ReplicationGroupId": "fuzz-g", "NodeGroupId": "0001"},
    "TestMigration": {"ReplicationGroupId": "fuzz-g", "CustomerNodeEndpointList": [{"Address": "127.0.0.1", "Port": 1}]},
}


def random_request(r):
    """An operation and the members of a request for it."""
    operation = r.choice(sorted(OPERATIONS))
    wish = members_at_random(OPERATIONS[operation]["in"], r)
    if r.random() < 0.6:
        members = sorted(wish)
        wish = SAMPLES[operation] | {m: wish[m] for m in r.sample(members, min(len(members), r.choice([0, 1, 1, 2])))}
    return operation, wish
