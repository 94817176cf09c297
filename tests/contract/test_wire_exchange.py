"""Whole exchanges with everything but the handlers: who calls, what is asked, and how refusals look."""
import json
import re
import xml.etree.ElementTree as ElementTree

import pytest

SIGNATURE = "0123456789abcdef" * 4
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def authorization(key="AKIDEXAMPLE", date="20240102", region="us-east-1", service="elasticache",
                  term="aws4_request", credential=None, signature=SIGNATURE):
    credential = credential or f"{key}/{date}/{region}/{service}/{term}"
    return (f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders=content-type;host;x-amz-date, "
            f"Signature={signature}")


def query(echo, form="Action=DescribeEvents&Version=2015-02-02", header=None, mode=None, **more):
    request = {"method": "POST", "path": "/", "body": form, "content_type": "application/x-www-form-urlencoded",
               "amz_date": "20240102T030405Z", **more}
    if header is not False:
        request["authorization"] = header or authorization()
    return echo.ask("handle", request=request, **({"auth": mode} if mode else {}))


def error_of(got):
    """Code and message of an XML fault; checks that the envelope is whole."""
    root = ElementTree.fromstring(got["body"])
    space = root.tag.removesuffix("ErrorResponse")
    error = root.find(f"{space}Error")
    assert root.find(f"{space}RequestId").text == got["request_id"]
    assert UUID.fullmatch(got["request_id"])
    assert error.find(f"{space}Type").text == ("Receiver" if got["status"] >= 500 else "Sender")
    assert got["content_type"] == "text/xml"
    assert error.find(f"{space}Code").text == got["code"]
    return got["code"], error.find(f"{space}Message").text


# --- who calls

def test_account_and_region_come_from_the_scope(echo):
    seen = query(echo, header=authorization(key="123456789012", region="eu-west-1"))["seen"]
    assert (seen["account"], seen["region"]) == ("123456789012", "eu-west-1")


def test_a_key_that_is_no_account_number_acts_for_the_default_account(echo):
    seen = query(echo, header=authorization(key="AKIA1234567890123456"))["seen"]
    assert (seen["account"], seen["access_key"]) == ("000000000000", "AKIA1234567890123456")


@pytest.mark.parametrize("key", ["12345678901", "1234567890123", "12345678901x"])
def test_an_account_number_has_twelve_digits(echo, key):
    assert query(echo, header=authorization(key=key))["seen"]["account"] == "000000000000"


def test_a_region_that_is_not_served_is_refused(echo):
    got = query(echo, header=authorization(region="mars-north-1"))
    assert got["status"] == 403
    assert error_of(got) == ("SignatureDoesNotMatch", "Credential should be scoped to a valid region.")


def test_without_authorization_the_request_is_refused(echo):
    got = query(echo, header=False)
    assert (got["status"], got["code"]) == (403, "MissingAuthenticationToken")


def test_in_open_mode_it_acts_for_the_default_account(echo):
    seen = query(echo, header=False, mode="open")["seen"]
    assert (seen["account"], seen["region"], seen["access_key"]) == ("000000000000", "us-east-1", "")


def test_in_open_mode_other_kinds_of_authorization_do_not_matter(echo):
    assert query(echo, header="Basic dXNlcjpwYXNz", mode="open")["status"] == 200


MALFORMED = {
    "another scheme": "Basic dXNlcjpwYXNz",
    "another algorithm": authorization().replace("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"),
    "only the algorithm": "AWS4-HMAC-SHA256",
    "no credential": f"AWS4-HMAC-SHA256 SignedHeaders=host, Signature={SIGNATURE}",
    "no signature": "AWS4-HMAC-SHA256 Credential=k/20240102/us-east-1/elasticache/aws4_request, SignedHeaders=host",
    "no signed headers": "AWS4-HMAC-SHA256 Credential=k/20240102/us-east-1/elasticache/aws4_request, "
                         f"Signature={SIGNATURE}",
    "a short signature": authorization(signature="abc"),
    "a signature with other letters": authorization(signature="z" * 64),
    "four parts": authorization(credential="k/20240102/us-east-1/aws4_request"),
    "six parts": authorization(credential="k/20240102/us-east-1/elasticache/aws4_request/x"),
    "an empty part": authorization(credential="k/20240102//elasticache/aws4_request"),
    "an empty key": authorization(key=""),
    "no date": authorization(date="2024-1-2"),
    "another terminator": authorization(term="aws5_request"),
    "a key without end": authorization(key="k" * 5000),
}


@pytest.mark.parametrize("header", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_authorization_is_refused(echo, header):
    got = query(echo, header=header)
    assert (got["status"], got["code"]) == (400, "IncompleteSignature")


def test_a_signature_needs_its_date(echo):
    got = query(echo, amz_date=None)
    assert error_of(got)[0] == "IncompleteSignature"
    assert query(echo, amz_date=None, date="Tue, 02 Jan 2024 03:04:05 GMT")["status"] == 200
    assert error_of(query(echo, amz_date="20240103T000000Z"))[0] == "SignatureDoesNotMatch"


def presigned(**changes):
    parts = {"X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Date": "20240102T030405Z", "X-Amz-Expires": "900",
             "X-Amz-Credential": "210987654321%2F20240102%2Feu-west-1%2Felasticache%2Faws4_request",
             "X-Amz-SignedHeaders": "host", "X-Amz-Signature": SIGNATURE, **changes}
    return "&".join(f"{k}={v}" for k, v in parts.items() if v is not None)


def get(echo, text, **more):
    return echo.ask("handle", request={"method": "GET", "path": "/", "query": text, **more})


def test_a_presigned_url_says_who_calls(echo):
    seen = get(echo, "Action=DescribeEvents&Version=2015-02-02&" + presigned())["seen"]
    assert (seen["account"], seen["region"]) == ("210987654321", "eu-west-1")


@pytest.mark.parametrize("part", ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-SignedHeaders",
                                  "X-Amz-Signature"])
def test_a_presigned_url_must_be_whole(echo, part):
    got = get(echo, "Action=DescribeEvents&" + presigned(**{part: None}))
    assert got["code"] == "IncompleteSignature"
    assert part in error_of(got)[1]


def test_a_presigned_url_also_opens_the_resources(echo):
    got = echo.ask("handle", request={"method": "GET", "path": "/v1/events", "query": "Duration=60&" + presigned()})
    assert got["seen"]["value"] == {"Duration": 60}


# --- what is asked

def test_the_service_of_the_scope_decides(echo):
    got = query(echo, "Action=GetCallerIdentity&Version=2011-06-15", header=authorization(service="sts"))
    assert got["seen"]["service"] == "sts"
    assert 'xmlns="https://sts.amazonaws.com/doc/2011-06-15/"' in got["body"]


def test_sts_takes_the_scope_of_any_region(echo):
    got = query(echo, "Action=GetCallerIdentity&Version=2011-06-15",
                header=authorization(service="sts", region="ap-south-2"))
    assert got["seen"]["region"] == "us-east-1"


def test_without_a_scope_the_action_decides(echo):
    assert query(echo, "Action=GetCallerIdentity", header=False, mode="open")["seen"]["service"] == "sts"


def test_a_service_that_is_not_served_is_named(echo):
    got = query(echo, "Action=ListQueues", header=authorization(service="sqs"))
    assert error_of(got) == ("InvalidAction", "The service sqs is not served by this version of Larder.")


def test_an_operation_of_another_service_is_no_action_here(echo):
    assert query(echo, "Action=GetCallerIdentity")["code"] == "InvalidAction"


REFUSED = [
    ("no action", "Version=2015-02-02", 400, "MissingAction", "must contain the parameter Action"),
    ("an empty action", "Action=", 400, "MissingAction", "must contain the parameter Action"),
    ("an empty body", "", 400, "MissingAction", "must contain the parameter Action"),
    ("an unknown action", "Action=Frobnicate", 400, "InvalidAction",
     "The action Frobnicate is not valid for this web service."),
    ("an action in another case", "Action=describeevents", 400, "InvalidAction", "describeevents is not valid"),
    ("another version", "Action=DescribeEvents&Version=2014-01-01", 400, "InvalidAction",
     "Could not find operation DescribeEvents for version 2014-01-01."),
    ("two actions", "Action=DescribeEvents&Action=DescribeEvents", 400, "InvalidParameterValue", "more than once"),
    ("a missing member", "Action=DeleteCacheCluster", 400, "InvalidParameterValue",
     "The parameter CacheClusterIdentifier must be provided and must not be null."),
    ("a missing member without another name", "Action=ListTagsForResource", 400, "InvalidParameterValue",
     "The parameter ResourceName must be provided and must not be null."),
    ("a bad type", "Action=DescribeEvents&Duration=long", 400, "InvalidParameterValue", "Duration must be an integer"),
    ("bad UTF-8", "Action=DescribeEvents&SourceIdentifier=%ff", 404, "MalformedQueryString", "UTF-8"),
]


@pytest.mark.parametrize("form, status, code, why", [r[1:] for r in REFUSED], ids=[r[0] for r in REFUSED])
def test_bad_requests_are_refused_in_the_envelope(echo, form, status, code, why):
    got = query(echo, form)
    assert got["status"] == status
    assert error_of(got)[0] == code
    assert why in error_of(got)[1]
    assert "seen" not in got


def test_a_long_action_is_cut_at_a_character(echo):
    got = query(echo, "Action=" + "%C3%BC" * 5000)
    assert len(error_of(got)[1]) < 300


def test_other_methods_and_paths_are_refused(echo):
    got = echo.ask("handle", request={"method": "PUT", "path": "/"})
    assert (got["status"], error_of(got)[0], got["allow"]) == (405, "MethodNotAllowed", "GET, POST")
    got = echo.ask("handle", request={"method": "GET", "path": "/foo"})
    assert (got["status"], error_of(got)[0]) == (404, "UnknownPath")


def test_a_body_of_another_kind_is_refused(echo):
    got = query(echo, content_type="application/x-amz-json-1.1")
    assert (got["status"], got["code"]) == (415, "UnsupportedMediaType")
    assert query(echo, content_type="application/x-www-form-urlencoded; charset=utf-8")["status"] == 200
    assert query(echo, content_type=None)["status"] == 200


def test_the_metric_name_is_never_the_client_s_text(echo):
    assert query(echo, "Action=Frobnicate")["metric"] == "unknown"
    assert query(echo)["metric"] == "DescribeEvents"


# --- JSON refusals

def rest(echo, method, path, header=None, **more):
    request = {"method": method, "path": path, "amz_date": "20240102T030405Z",
               "authorization": header or authorization(), **more}
    return echo.ask("handle", request=request)


def test_resources_answer_in_json(echo):
    got = echo.ask("handle", request={"method": "GET", "path": "/v1/events", "authorization": authorization(),
                                      "amz_date": "20240102T030405Z"},
                   answer={"Events": [{"Message": "m", "Date": "2024-01-02T03:04:05.000Z"}]})
    assert (got["status"], got["content_type"]) == (200, "application/json")
    assert json.loads(got["body"]) == {"Events": [{"Message": "m", "Date": "2024-01-02T03:04:05.000Z"}]}


@pytest.mark.parametrize("method, path, status, code", [
    ("GET", "/v1/nothing", 404, "UnknownPath"),
    ("PUT", "/v1/events", 405, "MethodNotAllowed"),
    ("GET", "/v1/events?", 404, "UnknownPath"),
    ("DELETE", "/v1/openapi.json", 405, "MethodNotAllowed"),
])
def test_resources_refuse_in_json(echo, method, path, status, code):
    got = rest(echo, method, path)
    fault = json.loads(got["body"])
    assert got["status"] == status
    assert fault == {"Code": code, "Message": fault["Message"], "RequestId": got["request_id"], "Type": "Sender"}
    assert "seen" not in got


def test_resources_need_authorization_too(echo):
    got = echo.ask("handle", request={"method": "GET", "path": "/v1/events"})
    assert json.loads(got["body"])["Code"] == "MissingAuthenticationToken"


def test_the_document_is_for_everybody(echo):
    got = echo.ask("handle", request={"method": "GET", "path": "/v1/openapi.json"})
    assert got["status"] == 200
    assert json.loads(got["body"])["openapi"].startswith("3.1")


def test_what_breaks_on_our_side_says_nothing_of_its_inside(echo):
    got = echo.ask("handle", request={"method": "POST", "path": "/", "body": "Action=DescribeEvents",
                                      "authorization": authorization(), "amz_date": "20240102T030405Z"},
                   fault="a code that is none")
    assert (got["status"], error_of(got)[0]) == (500, "InternalFailure")
    assert "because the test says so" not in got["body"]
