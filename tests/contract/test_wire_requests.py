"""What botocore's own serializer sends is what our decoder reads: for every operation, with chance values."""
import urllib.parse

import botocore.awsrequest
import botocore.loaders
import botocore.serialize
import pytest
from botocore.model import ServiceModel

import spec

ROUNDS = 25
MODEL = spec.botocore_model()
STS = spec.botocore_model("sts")
SHIPPED = ServiceModel(botocore.loaders.Loader().load_service_model("elasticache", "service-2"), "elasticache")


def form_of(operation, params):
    """The body that the SDK would put on the wire."""
    parts = botocore.serialize.create_serializer("query", include_validation=True).serialize_to_request(
        params, operation)
    request = botocore.awsrequest.AWSRequest(method="POST", url="http://localhost/", data=parts["body"])
    body = request.prepare().body
    return body.decode() if isinstance(body, bytes) else body


def chance(name, seed):
    return spec.Chance(f"{name}{seed}", with_empty_structures=False)


def crosses(echo, operation, params, **service):
    answer = echo.ask("decode", op=operation.name, form=form_of(operation, params), **service)
    assert answer == {"value": spec.plain(params)}


@pytest.mark.parametrize("name", spec.operations())
def test_chance_requests_arrive_as_they_were_sent(echo, name):
    for seed in range(ROUNDS):
        operation = MODEL.operation_model(name)
        crosses(echo, operation, chance(name, seed).value(operation.input_shape))


@pytest.mark.parametrize("name", sorted(SHIPPED.operation_names))
def test_requests_of_the_installed_sdk_arrive_as_they_were_sent(echo, name):
    for seed in range(ROUNDS):
        operation = SHIPPED.operation_model(name)
        crosses(echo, operation, chance(name, seed).value(operation.input_shape))


def test_sts_is_understood(echo):
    crosses(echo, STS.operation_model("GetCallerIdentity"), {}, service="sts")


def test_every_operation_is_there():
    assert len(spec.operations()) == 75


def decode(echo, op, *pairs):
    form = urllib.parse.urlencode([("Action", op), ("Version", "2015-02-02"), *pairs])
    return echo.ask("decode", op=op, form=form)


LISTS = [
    ("by the item's name", "SubnetIds.SubnetIdentifier.{}"),
    ("by the older name", "SubnetIds.member.{}"),
    ("flat", "SubnetIds.{}"),
]


@pytest.mark.parametrize("form", [form for _, form in LISTS], ids=[name for name, _ in LISTS])
@pytest.mark.parametrize("numbers", [(1, 2, 3), (3, 1, 2), (7, 900, 1000), (1000, 5, 30)],
                         ids=["in order", "mixed", "with gaps", "mixed with gaps"])
def test_lists_are_taken_in_every_form(echo, form, numbers):
    required = [("CacheSubnetGroupName", "g"), ("CacheSubnetGroupDescription", "d")]
    pairs = [(form.format(n), f"s{n}") for n in numbers]
    got = decode(echo, "CreateCacheSubnetGroup", *required, *pairs)
    assert got["value"]["SubnetIds"] == [f"s{n}" for n in sorted(numbers)]


def test_nested_lists_in_any_order_find_their_places(echo):
    prefix = "NodeGroupConfiguration.NodeGroupConfiguration"
    got = decode(echo, "CreateReplicationGroup", ("ReplicationGroupId", "rg"), ("ReplicationGroupDescription", "d"),
                 (f"{prefix}.2.ReplicaAvailabilityZones.AvailabilityZone.2", "b"), (f"{prefix}.2.Slots", "8192-16383"),
                 (f"{prefix}.1.Slots", "0-8191"), (f"{prefix}.2.ReplicaAvailabilityZones.AvailabilityZone.1", "a"))
    assert got["value"]["NodeGroupConfiguration"] == [
        {"Slots": "0-8191"}, {"Slots": "8192-16383", "ReplicaAvailabilityZones": ["a", "b"]}]


def test_what_newer_sdks_know_is_ignored(echo):
    got = decode(echo, "DescribeCacheClusters", ("Durability", "sync"), ("New.member.1.Thing", "x"), ("", "y"))
    assert got == {"value": {}}


BAD = [
    ("an integer that is none", ("Port", "abc"), "Port must be an integer"),
    ("an empty integer", ("Port", ""), "Port must be an integer"),
    ("an integer with a fraction", ("Port", "1.0"), "Port must be an integer"),
    ("an integer beyond 32 bits", ("Port", "2147483648"), "Port must be an integer of 32 bits"),
    ("an integer beyond 64 bits", ("Port", "99999999999999999999"), "Port must be an integer"),
    ("a boolean that is none", ("AutoMinorVersionUpgrade", "1"), "must be true or false"),
    ("a value for a list", ("Tags", "x"), "Tags is a list"),
    ("a list without a number", ("Tags.Tag.Key", "x"), "lists are numbered from 1 to 1000"),
    ("number zero", ("Tags.Tag.0.Key", "x"), "lists are numbered from 1 to 1000"),
    ("a negative number", ("Tags.Tag.-1.Key", "x"), "lists are numbered from 1 to 1000"),
    ("a huge number", ("Tags.Tag.1001.Key", "x"), "lists are numbered from 1 to 1000"),
    ("an overflowing number", ("Tags.Tag.99999999999999999999.Key", "x"), "lists are numbered from 1 to 1000"),
    ("a value for a structure in a list", ("Tags.Tag.1", "x"), "Tags.Tag.1 is a structure"),
    ("members of a single value", ("CacheClusterId.x", "y"), "CacheClusterId.x is malformed"),
    ("a trailing dot", ("CacheClusterId.", "y"), "CacheClusterId. is malformed"),
    ("an enum that is none", ("AZMode", "both"),
     "Value 'both' at 'azMode' failed to satisfy constraint: "
     "Member must satisfy enum value set: [single-az, cross-az]"),
    ("a control character", ("Engine", "re\x01dis"), "at 'engine' failed to satisfy constraint: "
                                                     "Member must not contain control characters"),
]


@pytest.mark.parametrize("pair, why", [b[1:] for b in BAD], ids=[b[0] for b in BAD])
def test_bad_parameters_are_refused_by_name(echo, pair, why):
    pairs = [pair] if pair[0].startswith("CacheClusterId") else [("CacheClusterId", "c1"), pair]
    got = decode(echo, "CreateCacheCluster", *pairs)
    assert got["fault"] == "InvalidParameterValue"
    assert why in got["why"]


@pytest.mark.parametrize("pairs", [
    [("Engine", "redis"), ("Engine", "redis")],
    [("Tags.Tag.1.Key", "a"), ("Tags.member.1.Key", "b")],
    [("Tags", ""), ("Tags", "")],
    [("SecurityGroupIds.SecurityGroupId.1", "a"), ("SecurityGroupIds.SecurityGroupId.1", "a")],
], ids=["member", "member of an entry", "empty list", "entry"])
def test_parameters_given_twice_are_refused(echo, pairs):
    got = decode(echo, "CreateCacheCluster", ("CacheClusterId", "c1"), *pairs)
    assert got["fault"] == "InvalidParameterValue"
    assert "must not be given more than once" in got["why"]


@pytest.mark.parametrize("form", ["CacheClusterId=%zz", "CacheClusterId=%4", "CacheClusterId=%", "CacheClusterId=%ff",
                                  "CacheClusterId=%ed%a0%80", "CacheClusterId=a%00b", "%c3=x"])
def test_text_that_is_none_is_refused(echo, form):
    assert echo.ask("decode", op="DescribeCacheClusters", form=form)["fault"] == "MalformedQueryString"


def test_secrets_are_not_repeated_in_sentences(echo):
    got = decode(echo, "CreateCacheCluster", ("CacheClusterId", "c1"), ("AuthToken", "secret\x01word"))
    assert got["fault"] == "InvalidParameterValue"
    assert "secret" not in got["why"]
