"""Random requests in every form that the port understands: ElastiCache by Query and by REST, the companions by Query,
and CloudWatch by JSON and CBOR, too."""
import datetime
import http.client
import json
import random
import urllib.parse
import xml.etree.ElementTree as ElementTree

import cbor2

import spec

FORM = "application/x-www-form-urlencoded"
COMPANIONS = {name: json.loads((spec.SPEC / f"services/{name}.json").read_text())
              for name in ("ec2", "iam", "monitoring", "sts")}
COMPANIONS = {name: service for name, service in COMPANIONS.items() if service["operations"]}
TARGET = COMPANIONS["monitoring"]["service"]["target"]


class Call:
    """One request, and which codes may answer it."""

    def __init__(self, operation, codes, method, path, body=None, **headers):
        self.operation, self.codes = operation, codes
        self.method, self.path, self.body = method, path, body
        self.headers = {name.replace("_", "-"): text for name, text in headers.items()}

    def __str__(self):
        return f"{self.operation}: {self.method} {self.path} {self.headers}\n{self.body}"


class Line:
    """A connection that lives as long as its requests do."""

    def __init__(self, port):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)

    def ask(self, call):
        """Status, code ('' for none) and the answer."""
        self.connection.request(call.method, call.path, call.body, call.headers)
        response = self.connection.getresponse()
        body = response.read()
        code = code_of(response, body) if response.status != 200 else ""
        return response.status, code, body


def code_of(response, body):
    if response.headers["x-amzn-query-error"]:
        return response.headers["x-amzn-query-error"].partition(";")[0]
    if response.headers["Content-Type"] == "application/json":
        return json.loads(body)["Code"]
    found = [e.text for e in ElementTree.fromstring(body).iter() if e.tag.rpartition("}")[2] == "Code"]
    return found[0] if found else "no code"


def flat(shapes, shape_name, value, name, is_ec2):
    """A value as the parameters of a Query request; EC2 has the items of a list without a name of their own."""
    shape = shapes[shape_name]
    if shape["type"] == "structure":
        for key, part in value.items():
            member = shape["members"][key]
            spoken = member.get("name", key)
            spoken = spoken[0].upper() + spoken[1:] if is_ec2 else key
            yield from flat(shapes, member["shape"], part, f"{name}.{spoken}" if name else spoken, is_ec2)
    elif shape["type"] == "list":
        item = "" if is_ec2 else "." + shape["item"].get("name", "member")
        for number, part in enumerate(value, 1):
            yield from flat(shapes, shape["item"]["shape"], part, f"{name}{item}.{number}", is_ec2)
    else:
        yield name, ("true" if value else "false") if isinstance(value, bool) else str(value)


# --- ElastiCache ----------------------------------------------------------------------------------------------------


def by_query(r):
    operation, wish = spec.random_request(r)
    text = spec.form(operation, wish)
    if len(text) < 2000 and r.random() < 0.1:
        return Call(operation, spec.codes_of(operation), "GET", "/?" + text)
    return Call(operation, spec.codes_of(operation), "POST", "/", text, Content_Type=FORM)


def in_url(value):
    """Scalars as they are, the rest as JSON."""
    if isinstance(value, bool) or not isinstance(value, (str, int, float)):
        return json.dumps(value)
    return str(value)


def by_rest(r):
    operation, wish = spec.random_request(r)
    routes = spec.OPERATIONS[operation]["rest"]
    method, _, path = (routes if isinstance(routes, str) else r.choice(routes)).partition(" ")
    for part in path.split("/"):
        if part.startswith("{"):
            path = path.replace(part, urllib.parse.quote(str(wish.pop(part[1:-1], "x")), safe="") or "x")
    codes = spec.codes_of(operation)
    if method in ("GET", "DELETE"):
        query = urllib.parse.urlencode({name: in_url(value) for name, value in wish.items()})
        return Call(operation, codes, method, f"{path}?{query}" if query else path)
    return Call(operation, codes, method, path, json.dumps(wish), Content_Type="application/json")


# --- companions -----------------------------------------------------------------------------------------------------

# What they are about is little; with these, requests meet what is there.
METRIC = {"Namespace": "AWS/ElastiCache", "MetricName": "CurrItems",
          "Dimensions": [{"Name": "CacheClusterId", "Value": "fuzz-a"}]}
SPAN = {"StartTime": "2026-11-28T00:00:00Z", "EndTime": "2026-11-28T03:00:00Z"}
METRIC_SAMPLES = {
    "GetMetricStatistics": {**METRIC, **SPAN, "Period": 60, "Statistics": ["Sum", "Maximum"]},
    "GetMetricData": {**SPAN, "MetricDataQueries": [
        {"Id": "a", "MetricStat": {"Metric": METRIC, "Period": 60, "Stat": "Average"}},
        {"Id": "b", "Expression": "a * 2 + SUM(METRICS())"}]},
    "ListMetrics": {"Namespace": "AWS/ElastiCache"},
}


def companion_request(name, r):
    service = COMPANIONS[name]
    operation = r.choice(sorted(service["operations"]))
    wish = spec.members_at_random(service["operations"][operation]["in"], r, service["shapes"])
    if operation in METRIC_SAMPLES and r.random() < 0.7:
        members = sorted(wish)
        wish = METRIC_SAMPLES[operation] | {m: wish[m] for m in r.sample(members, min(len(members), r.choice([0, 1])))}
    if "DryRun" in wish:
        wish["DryRun"] = r.random() < 0.2
    return operation, wish


def codes_of(name, operation):
    shapes = COMPANIONS[name]["shapes"]
    errors = COMPANIONS[name]["operations"][operation].get("errors", [])
    return spec.COMMON_CODES | {shapes[e]["error"]["code"] if e in shapes else e for e in errors}


def by_companions_query(r):
    name = r.choice(sorted(COMPANIONS))
    operation, wish = companion_request(name, r)
    service = COMPANIONS[name]
    pairs = [("Action", operation), ("Version", service["service"]["apiVersion"]),
             *flat(service["shapes"], service["operations"][operation]["in"], wish, "", name == "ec2")]
    return Call(f"{name} {operation}", codes_of(name, operation), "POST", "/", urllib.parse.urlencode(pairs),
                Content_Type=FORM)


def with_times(shapes, shape_name, value, as_time):
    """The value with its timestamps in the form that JSON and CBOR have for them."""
    shape = shapes[shape_name]
    if shape["type"] == "structure":
        return {m: with_times(shapes, shape["members"][m]["shape"], part, as_time) for m, part in value.items()}
    if shape["type"] == "list":
        return [with_times(shapes, shape["item"]["shape"], part, as_time) for part in value]
    if shape["type"] == "timestamp":
        return as_time(datetime.datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp())
    return value


def by_rpc(r):
    operation, wish = companion_request("monitoring", r)
    service = COMPANIONS["monitoring"]
    codes, shape = codes_of("monitoring", operation), service["operations"][operation]["in"]
    if r.random() < 0.5:
        body = with_times(service["shapes"], shape, wish, float)
        return Call(operation, codes, "POST", "/", json.dumps(body), Content_Type="application/x-amz-json-1.0",
                    X_Amz_Target=f"{TARGET}.{operation}")
    body = with_times(service["shapes"], shape, wish, lambda seconds: cbor2.CBORTag(1, seconds))
    return Call(operation, codes, "POST", f"/service/{TARGET}/operation/{operation}", cbor2.dumps(body),
                Content_Type="application/cbor", Smithy_Protocol="rpc-v2-cbor")


def random_call(seed):
    """The same for the same seed."""
    r = random.Random(seed)
    make = r.choices([by_query, by_rest, by_companions_query, by_rpc], [12, 5, 2, 1])[0]
    return make(r)
