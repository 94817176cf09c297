"""Serverless caches for tests: the calls, waiting for what they say, and clients that come by TLS."""
import json
import re
import socket
import ssl
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


class Items:
    """A client of a cache of memcached."""

    def __init__(self, endpoint, authority):
        context = ssl.create_default_context(cafile=authority)
        plain = socket.create_connection((endpoint["Address"], endpoint["Port"]), timeout=30)
        self.socket = context.wrap_socket(plain, server_hostname=endpoint["Address"])
        self.lines = self.socket.makefile("rb")

    def ask(self, request):
        """The first line of the answer, without its end."""
        self.socket.sendall(request + b"\r\n")
        return self.lines.readline()[:-2]

    def set(self, key, value, flags=0, exptime=0):
        assert self.ask(b"set %s %d %d %d\r\n%s" % (key, flags, exptime, len(value), value)) == b"STORED"

    def get(self, key):
        """(flags, value), or None."""
        head = self.ask(b"get " + key).split()
        if head == [b"END"]:
            return None
        value = self.lines.read(int(head[3]) + 7)
        assert value.endswith(b"\r\nEND\r\n")
        return int(head[2]), value[:-7]

    def stats(self):
        line, found = self.ask(b"stats"), {}
        while line != b"END":
            _, name, value = line.split(b" ", 2)
            found[name.decode()] = value.decode()
            line = self.lines.readline()[:-2]
        return found


def refusal(call, **members):
    with pytest.raises(ClientError) as refused:
        call(**members)
    return refused.value.response["Error"]["Code"]
