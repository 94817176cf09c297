"""EC2's dialect of Query: what botocore's own serializer sends is what our decoder reads, and what our writer
sends is what its parser reads; for every operation, with chance values."""
import botocore.awsrequest
import botocore.loaders
import botocore.parsers
import botocore.serialize
import pytest
from botocore.model import ServiceModel

import spec

ROUNDS = 25
MODEL = spec.botocore_model("ec2")
SHIPPED = ServiceModel(botocore.loaders.Loader().load_service_model("ec2", "service-2"), "ec2")
NAMES = spec.operations("ec2")


def form_of(operation, params):
    parts = botocore.serialize.create_serializer("ec2", include_validation=False).serialize_to_request(params, operation)
    body = botocore.awsrequest.AWSRequest(method="POST", url="http://localhost/", data=parts["body"]).prepare().body
    return body.decode() if isinstance(body, bytes) else body


def sayable(value):
    """This dialect has no way to say that a list or a structure is there and empty."""
    if isinstance(value, dict):
        inner = {k: sayable(v) for k, v in value.items()}
        return {k: v for k, v in inner.items() if v not in ([], {})}
    if isinstance(value, list):
        return [v for v in map(sayable, value) if v not in ([], {})]
    return value


@pytest.mark.parametrize("name", NAMES)
def test_chance_requests_arrive_as_they_were_sent(echo, name):
    operation = MODEL.operation_model(name)
    crossed = 0
    for seed in range(ROUNDS):
        params = sayable(spec.Chance(f"{name}{seed}", with_empty_structures=False).value(operation.input_shape))
        got = echo.ask("decode", op=name, service="ec2", form=form_of(operation, params))
        if got.get("fault") == "InvalidParameterValue":  # out of range, or a list that is needed was empty
            continue
        assert got == {"value": spec.plain(params)}
        crossed += 1
    assert crossed > 0


@pytest.mark.parametrize("name", NAMES)
def test_names_in_requests_are_those_of_the_installed_sdk(name):
    """Our model against the one that the SDK ships: whatever ours knows is written alike."""
    ours, theirs = MODEL.operation_model(name).input_shape, SHIPPED.operation_model(name).input_shape
    for member in set(ours.members) & set(theirs.members):  # the SDK may be older
        shape = ours.members[member]
        assert shape.serialization.get("name") == theirs.members[member].serialization.get("name"), member


@pytest.mark.parametrize("name", NAMES)
def test_chance_answers_arrive_as_they_were_written(echo, name):
    operation = MODEL.operation_model(name)
    for seed in range(ROUNDS):
        value = spec.Chance(f"{name}{seed}").value(operation.output_shape) if operation.output_shape else {}
        answer = echo.ask("encode", op=name, service="ec2", value=spec.plain(value))
        parsed = botocore.parsers.create_parser("ec2").parse(
            {"status_code": 200, "headers": {}, "body": answer["body"].encode()}, operation.output_shape)
        assert parsed.pop("ResponseMetadata")["RequestId"] == "11111111-2222-3333-4444-555555555555"
        assert spec.plain(parsed) == spec.plain(value)


SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240102/us-east-1/ec2/aws4_request, "
                           "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64,
          "amz_date": "20240102T030405Z"}


def handle(echo, body, **more):
    return echo.ask("handle", request={"method": "POST", "path": "/", "body": body, **SIGNED}, **more)


def test_faults_are_told_in_the_dialect(echo):
    got = handle(echo, "Action=DescribeVpcs&Version=2016-11-15", fault="InvalidVpcID.NotFound")
    assert got["status"] == 400
    parsed = botocore.parsers.create_parser("ec2").parse(
        {"status_code": 400, "headers": {}, "body": got["body"].encode()}, None)
    assert parsed["Error"]["Code"] == "InvalidVpcID.NotFound"
    assert parsed["ResponseMetadata"]["RequestId"] == got["request_id"]
    missing = handle(echo, "Action=DeleteVpc&Version=2016-11-15")
    assert missing["code"] == "MissingParameter" and "VpcId" in missing["body"]


def test_calls_without_a_result_say_that_they_worked(echo):
    got = handle(echo, "Action=DeleteVpc&Version=2016-11-15&VpcId=vpc-1")
    assert got["body"] == ('<DeleteVpcResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
                           f"<requestId>{got['request_id']}</requestId><return>true</return></DeleteVpcResponse>")


def test_the_scope_chooses_the_service(echo):
    got = handle(echo, "Action=DescribeVpcs&Version=2016-11-15")
    assert got["seen"]["service"] == "ec2"
    assert handle(echo, "Action=DescribeCacheClusters&Version=2015-02-02")["code"] == "InvalidAction"
