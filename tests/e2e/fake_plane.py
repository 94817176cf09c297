"""A control plane for tests of agents: hands out goals that the test sets, and keeps what agents say.

It speaks the two messages of api-spec/agent.json and knows nothing of clusters; each test decides what
it wants, so that what an agent does can be seen alone.
"""
import http.server
import json
import threading
import time


class Fault(Exception):
    def __init__(self, status, code, message):
        super().__init__(code)
        self.status, self.body = status, {"Code": code, "Message": message}


class FakePlane:
    def __init__(self, token=None):
        self.changed = threading.Condition()
        self.token = token
        self.generation = 1
        self.goals = {}      # node id -> goal
        self.hosts = []      # the Host part of every sync
        self.nodes = {}      # node id -> last report
        self.history = []    # (time.monotonic(), message, node report), in order
        self.promises = []   # terms that are asked for: {"ShardId", "Term"}
        self.promised = []   # as was told last
        self.lease_key = None  # base64
        self.latest = ("", 0)  # incarnation and number of the latest message
        self.refusal = None  # a Fault for every message
        self.is_down = False
        plane = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *args):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                try:
                    status, answer = 200, plane.answer(self.path, body, self.headers)
                except Fault as fault:
                    status, answer = fault.status, fault.body
                if plane.is_down:
                    self.close_connection = True
                    return
                data = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # an agent that was killed in the middle of a poll

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self.thread.start()

    def close(self):
        with self.changed:
            self.is_down = True
            self.changed.notify_all()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    # -- what agents say

    def answer(self, path, body, headers):
        with self.changed:
            if self.refusal:
                raise self.refusal
            if self.token and headers.get("Authorization") != f"Bearer {self.token}":
                raise Fault(403, "AccessDenied", "the agent's token is missing or not the right one")
            self.take(path.rsplit("/", 1)[1], body)
            return self.wait_for_news(body) if path == "/agent/v1/sync" else {}

    def take(self, message, body):
        now = time.monotonic()
        if message == "sync":
            self.hosts.append(body["Host"])
        if self.is_overtaken(body):
            return
        if message == "sync":
            self.nodes = {}
        self.promised = body.get("Promised", [])
        for report in body["Nodes"]:
            self.nodes[report["NodeId"]] = report
            self.history.append((now, message, report))
        self.changed.notify_all()

    def is_overtaken(self, body):
        """Messages come over several connections: what was sent before another one and arrives behind it is old."""
        incarnation = body.get("Host", body)["Incarnation"]
        number = body["MessageNumber"]
        if incarnation == self.latest[0] and number < self.latest[1]:
            return True
        self.latest = (incarnation, number)
        return False

    def wait_for_news(self, body):
        deadline = time.monotonic() + body["WaitMs"] / 1000
        while body["SeenGeneration"] == self.generation and not self.is_down:
            left = deadline - time.monotonic()
            if left <= 0:
                return {"Generation": self.generation, "IsChanged": False}
            self.changed.wait(left)
        answer = {"Generation": self.generation, "IsChanged": True, "Goals": list(self.goals.values()),
                  "Promises": self.promises}
        return {**answer, "LeaseKey": self.lease_key} if self.lease_key else answer

    # -- what tests want

    def want(self, node_id, **goal):
        """Sets or changes the goal of a node."""
        with self.changed:
            self.goals[node_id] = {"NodeId": node_id, **self.goals.get(node_id, {}), **goal}
            self.generation += 1
            self.changed.notify_all()

    def ask_promises(self, *promises):
        """Asks for promises of (shard, term), and for no others."""
        with self.changed:
            self.promises = [{"ShardId": shard, "Term": term} for shard, term in promises]
            self.generation += 1
            self.changed.notify_all()

    def drop(self, node_id):
        with self.changed:
            del self.goals[node_id]
            self.generation += 1
            self.changed.notify_all()

    def wait(self, condition, what, timeout=15.0):
        """Waits until `condition(plane)` holds; returns its value."""
        deadline = time.monotonic() + timeout
        with self.changed:
            while not (value := condition(self)):
                left = deadline - time.monotonic()
                assert left > 0, f"not within {timeout} s: {what}; nodes are {self.nodes}"
                self.changed.wait(left)
            return value

    def wait_node(self, node_id, timeout=15.0, **wanted):
        """Waits until the node's last report has these values; returns the report."""
        def condition(plane):
            report = plane.nodes.get(node_id)
            return report if report and all(report.get(k) == v for k, v in wanted.items()) else None
        return self.wait(condition, f"node {node_id} with {wanted}", timeout)

    def wait_incarnations(self, count):
        self.wait(lambda p: len({h["Incarnation"] for h in p.hosts}) >= count, f"{count} starts of agents")
