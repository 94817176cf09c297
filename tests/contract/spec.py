"""The interface model for the contract tests: read from api-spec, given to botocore in its own layout,
and filled with chance values."""
import datetime
import json
import os
import pathlib
import random
import subprocess

from botocore.model import ServiceModel

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("LARDER_BIN_DIR", ROOT / "build" / "bin")).parent
SERVICES = ROOT / "api-spec" / "services"

# Texts that fit the patterns of the model; a new pattern needs a row here.
SAMPLES = {
    r".*\S.*": ["x", " on ~app:* +@all ", "a\tb"],
    r"\d+": ["1", "0001", "9999"],
    r"[a-zA-Z]*": ["redis", "Valkey"],
    r"[a-zA-Z][a-zA-Z0-9\-]*": ["u", "user-1", "A-b-C9"],
}
TEXTS = ["c1", "a b", "a+b%20c&d=e", "größe ☃ 🦜", "<tag attr=\"v\">&amp;</tag>", "line\nbreak", "x" * 300,
         "', DROP", "null", "true", "  padded  "]


def load(service="elasticache"):
    return json.loads((SERVICES / f"{service}.json").read_text())


def operations(service="elasticache"):
    return sorted(load(service)["operations"])


def _botocore_shape(shape):
    out = {k: v for k, v in shape.items() if k in ("type", "required", "enum", "min", "max", "pattern")}
    if "locationName" in shape:
        out["locationName"] = shape["locationName"]
    if shape["type"] == "structure":
        out["members"] = {name: {"shape": m["shape"], **({"locationName": m["name"]} if "name" in m else {}),
                                 **({"queryName": m["queryName"]} if "queryName" in m else {})}
                          for name, m in shape["members"].items()}
    if shape["type"] == "list":
        item = shape["item"]
        out["member"] = {"shape": item["shape"], **({"locationName": item["name"]} if "name" in item else {})}
        if shape.get("flat"):
            out["flattened"] = True
    if "error" in shape:
        out["exception"] = True
        out["error"] = {"code": shape["error"].get("code"), "httpStatusCode": shape["error"]["status"]}
    return out


def botocore_model(service="elasticache"):
    """Our description as botocore would ship it."""
    ours = load(service)
    operations_ = {}
    for name, op in ours["operations"].items():
        operations_[name] = {"name": name, "http": {"method": "POST", "requestUri": "/"},
                             "input": {"shape": op["in"]}, "errors": [{"shape": e} for e in op.get("errors", [])]}
        if "out" in op:
            operations_[name]["output"] = {"shape": op["out"],
                                           **({"resultWrapper": op["wrapper"]} if "wrapper" in op else {})}
    metadata = {"apiVersion": ours["service"]["apiVersion"], "protocol": ours["service"]["protocol"],
                "serviceId": service,
                "endpointPrefix": service, "xmlNamespace": ours["service"]["xmlNamespace"]}
    return ServiceModel({"metadata": metadata, "operations": operations_,
                         "shapes": {n: _botocore_shape(s) for n, s in ours["shapes"].items()}}, service)


class Chance:
    """Values of any shape, the same ones for the same seed. A request cannot say `empty structure`."""

    def __init__(self, seed, with_empty_structures=True):
        self.random = random.Random(seed)
        self.with_empty = with_empty_structures

    def value(self, shape):
        return getattr(self, "_" + shape.type_name)(shape)

    def _structure(self, shape):
        required = set(shape.metadata.get("required", []))
        share = self.random.choice([0.1, 0.5, 1.0])
        if not self.with_empty and shape.members:
            required.add(self.random.choice(sorted(shape.members)))
        return {name: self.value(member) for name, member in shape.members.items()
                if name in required or self.random.random() < share}

    def _list(self, shape):
        least = shape.metadata.get("min", 0)
        most = min(shape.metadata.get("max", 12), 12)
        return [self.value(shape.member) for _ in range(self.random.randint(least, max(least, most)))]

    def _string(self, shape):
        if shape.metadata.get("enum"):
            return self.random.choice(shape.metadata["enum"])
        if shape.metadata.get("pattern"):
            return self.random.choice(SAMPLES[shape.metadata["pattern"]])
        return self.random.choice(TEXTS)

    def _integer(self, _):
        return self.random.choice([0, 1, -1, 6379, 2**31 - 1, -2**31])

    def _double(self, _):
        return self.random.choice([0.0, 0.1, -2.5, 1e21, 123456.789])

    def _boolean(self, _):
        return self.random.random() < 0.5

    def _timestamp(self, _):
        ms = self.random.choice([0, 1, 999]) * 1000
        return datetime.datetime(2000, 1, 1, microsecond=ms, tzinfo=datetime.timezone.utc) + datetime.timedelta(
            seconds=self.random.randrange(2**30))


def plain(value):
    """A value as our JSON shows it: timestamps are text with milliseconds."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list):
        return [plain(v) for v in value]
    if isinstance(value, datetime.datetime):
        utc = value.astimezone(datetime.timezone.utc)
        return utc.strftime("%Y-%m-%dT%H:%M:%S.") + f"{utc.microsecond // 1000:03d}Z"
    return value


class Echo:
    """The program wire_echo: one JSON line to it, one line back."""

    def __init__(self):
        self.process = subprocess.Popen([BUILD / "test-tools" / "wire_echo"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE)

    def ask(self, do, **members):
        self.process.stdin.write(json.dumps({"do": do, **members}).encode() + b"\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        assert line, "wire_echo died"
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        assert self.process.wait(timeout=10) == 0
        self.process.stdout.close()
