"""The load: httpload.c, compiled on the spot, and its figures joined with the server's processor time."""

import json
import pathlib
import subprocess
import urllib.parse

from .servers import FORM, query_body, signed

HERE = pathlib.Path(__file__).resolve().parent


def build(folder):
    path = pathlib.Path(folder) / "httpload"
    subprocess.run(["cc", "-O2", "-o", str(path), str(HERE / "httpload.c")], check=True)
    return path


def request_bytes(url, action, **members):
    body = query_body(action, **members)
    host = urllib.parse.urlsplit(url).netloc
    return (f"POST / HTTP/1.1\r\nHost: {host}\r\nUser-Agent: Boto3/1.35 md/Botocore#1.35 lang/python#3.11\r\n"
            f"Accept-Encoding: identity\r\nContent-Type: {FORM}; charset=utf-8\r\nX-Amz-Date: 20260101T000000Z\r\n"
            f"Authorization: {signed()}\r\nContent-Length: {len(body)}\r\n\r\n{body}").encode()


def run(program, server, seconds, action, connections=8, **members):
    """One measurement; a request that fails is an error, not a figure."""
    target = urllib.parse.urlsplit(server.url)
    path = server.dir / "request"
    path.write_bytes(request_bytes(server.url, action, **members))
    before = server.cpu_s()
    done = subprocess.run([str(program), target.hostname, str(target.port), str(connections), str(seconds), str(path)],
                          check=False, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{server.name}: {done.stderr.strip()}")
    used = server.cpu_s() - before
    figures = json.loads(done.stdout)
    if figures["failed"]:
        raise SystemExit(f"{server.name}: {figures['failed']} of {figures['requests']} requests failed")
    return {"requests_per_s": figures["requests"] / figures["seconds"], "p50_ms": figures["p50_us"] / 1000,
            "p99_ms": figures["p99_us"] / 1000, "cpu_us": used * 1e6 / figures["requests"]}
