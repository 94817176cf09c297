"""What our writer sends is what botocore's own parser reads: for every operation, with chance values."""
import botocore.parsers
import pytest

import spec

ROUNDS = 25
MODEL = spec.botocore_model()


def parse(body, shape, status=200):
    raw = {"status_code": status, "headers": {}, "body": body.encode()}
    return botocore.parsers.create_parser("query").parse(raw, shape)


@pytest.mark.parametrize("name", spec.operations())
def test_chance_answers_arrive_as_they_were_written(echo, name):
    operation = MODEL.operation_model(name)
    for seed in range(ROUNDS):
        value = spec.Chance(f"{name}{seed}").value(operation.output_shape) if operation.output_shape else {}
        answer = echo.ask("encode", op=name, value=spec.plain(value))
        parsed = parse(answer["body"], operation.output_shape)
        assert parsed.pop("ResponseMetadata")["RequestId"] == "11111111-2222-3333-4444-555555555555"
        assert spec.plain(parsed) == spec.plain(value)


def test_the_envelope_is_the_hosted_service_s(echo):
    body = echo.ask("encode", op="DeleteCacheSubnetGroup", value={})["body"]
    assert body == ('<DeleteCacheSubnetGroupResponse xmlns="http://elasticache.amazonaws.com/doc/2015-02-02/">'
                    "<ResponseMetadata><RequestId>11111111-2222-3333-4444-555555555555</RequestId></ResponseMetadata>"
                    "</DeleteCacheSubnetGroupResponse>")
    body = echo.ask("encode", op="DescribeCacheClusters", value={"CacheClusters": []})["body"]
    assert "<DescribeCacheClustersResult><CacheClusters/></DescribeCacheClustersResult>" in body


SIGNED = {"authorization": "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20240102/us-east-1/elasticache/aws4_request, "
                           "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64,
          "amz_date": "20240102T030405Z"}


def faults():
    for name, shape in spec.load()["shapes"].items():
        if "error" in shape:
            yield pytest.param(shape["error"]["code"], shape["error"]["status"], id=name)


@pytest.mark.parametrize("code, status", faults())
def test_every_fault_of_the_model_reaches_the_sdk(echo, code, status):
    request = {"method": "POST", "path": "/", "body": "Action=DescribeEvents&Version=2015-02-02", **SIGNED}
    got = echo.ask("handle", request=request, fault=code)
    assert got["status"] == status
    assert got["content_type"] == "text/xml"
    parsed = parse(got["body"], MODEL.operation_model("DescribeEvents").output_shape, status)
    assert parsed["Error"] == {"Type": "Sender", "Code": code, "Message": "because the test says so"}
    assert parsed["ResponseMetadata"]["RequestId"] == got["request_id"]
