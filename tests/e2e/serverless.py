"""Serverless caches for tests: the calls, waiting for what they say, and clients that come by TLS."""
import json
import re
import urllib.request

import pytest
import redis
from botocore.exceptions import ClientError

from conftest import wait_until


def authority_of(house, folder):
    path = folder / "ca.pem"
    with urllib.request.urlopen(f"{house.url}/ca.pem", timeout=10) as answer:
        path.write_bytes(answer.read())
    return str(path)


class Caches:
    """The calls for serverless caches by the words of the command line: Debian's boto3 is older than they are."""

    def __init__(self, house):
        self.house = house

    def __getattr__(self, call):
        return lambda **members: self.run(call, members)

    def run(self, call, members):
        words = [call.replace("_", "-")]
        for name, value in members.items():
            words.append("--" + re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", name).lower())
            if not isinstance(value, bool):
                words.append(value if isinstance(value, str) else json.dumps(value))
        done = self.house.larder(*words)
        if done.returncode == 0:
            return json.loads(done.stdout)
        code = re.search(r"\((\w+)\)", done.stderr)
        raise ClientError({"Error": {"Code": code[1] if code else "", "Message": done.stderr}}, call)


def describe(house, name):
    return Caches(house).describe_serverless_caches(ServerlessCacheName=name)["ServerlessCaches"][0]


def wait_available(house, name):
    wait_until(lambda: describe(house, name)["Status"] == "available", f"{name} to be available")
    return describe(house, name)


def create(house, name, engine="redis", **more):
    Caches(house).create_serverless_cache(ServerlessCacheName=name, Engine=engine, **more)
    return wait_available(house, name)


def modify(house, name, **more):
    Caches(house).modify_serverless_cache(ServerlessCacheName=name, **more)
    return wait_available(house, name)


def delete(house, name):
    Caches(house).delete_serverless_cache(ServerlessCacheName=name)
    wait_gone(house, name)


def wait_gone(house, name):
    def is_gone():
        try:
            describe(house, name)
        except ClientError as e:
            return e.response["Error"]["Code"] == "ServerlessCacheNotFoundFault"
        return False

    wait_until(is_gone, f"{name} to be gone")


def cluster(endpoint, authority, **more):
    return redis.RedisCluster(host=endpoint["Address"], port=endpoint["Port"], ssl=True, ssl_ca_certs=authority, **more)


def single(endpoint, authority):
    return redis.Redis(host=endpoint["Address"], port=endpoint["Port"], ssl=True, ssl_ca_certs=authority)


def refusal(call, **members):
    with pytest.raises(ClientError) as refused:
        call(**members)
    return refused.value.response["Error"]["Code"]
