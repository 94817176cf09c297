"""The figures as tables: for a terminal, and as Markdown for README and docs."""

import math

KINDS = ("engine", "redis", "valkey", "memcached", "echo")

# Headings, and how the rows below them are called.
GROUPS = (
    ("Server CPU per operation, µs", {
        "get_p1": "GET, pipeline 1", "set_p1": "SET, pipeline 1",
        "get_p16": "GET, pipeline 16", "set_p16": "SET, pipeline 16",
        "incr_p16": "INCR, pipeline 16", "lpush_p16": "LPUSH, pipeline 16", "sadd_p16": "SADD, pipeline 16",
        "hset_p16": "HSET, pipeline 16", "zadd_p16": "ZADD, pipeline 16", "lrange_100_p16": "LRANGE 0 99, pipeline 16",
        "mset_10_p16": "MSET of 10, pipeline 16", "mget_10_p16": "MGET of 10, pipeline 16",
        "eval_2_p16": "EVAL of two calls, pipeline 16",
        "types_p16": "geometric mean of INCR … MGET", "mc_get_p1": "memcached get, pipeline 1",
        "mc_get_p16": "memcached get, pipeline 16", "mc_set_p16": "memcached set, pipeline 16",
        "mc_mget_16": "memcached get of 16 keys"}),
    ("Resident bytes per item", {
        "bytes_16_64": "key of 16 B, value of 64 B", "bytes_16_64_ttl": "the same with a TTL",
        "bytes_16_10": "key of 16 B, value of 10 B", "bytes_hash_10x10": "hash of 10 fields of 10 B",
        "bytes_set_member": "member of 20 B of a big set", "bytes_zset_member": "member of 20 B of a big sorted set",
        "mc_bytes_16_64": "memcached item, 16 B and 64 B"}),
    ("99.9th percentile of a quiet client, µs", {
        "p999_resize": "while 10M keys are added", "p999_expire": "while 1M keys expire at once",
        "p999_evict": "while every write evicts"}),
    ("Snapshots and replication, µs of CPU", {
        "save_rdb": "SAVE, per key", "load_rdb": "loading it, per key",
        "sync_primary": "full sync, primary's side, per key", "sync_replica": "full sync, replica's side, per key",
        "replicated_set": "primary with two replicas, per SET"}),
    ("Empty server", {"idle_rss": "resident, MiB", "cpu_to_pong": "CPU until the first PONG, ms"}),
)

MEAN = "types_p16"
MEAN_AIM = 0.85
BETTER = "better"  # as a base: the better of redis and valkey, round by round


def geometric_mean(ratios):
    return math.exp(sum(map(math.log, ratios)) / len(ratios))


def add_mean(out):
    """The geometric mean of the rows whose base is the better of the two; scripts are no type."""
    rows = [row for name, row in out.items()
            if row["base"] == BETTER and row["unit"] == "us/op" and name not in (MEAN, "eval_2_p16")]
    if len(rows) > 1:
        kinds = set.intersection(*(set(row["ratio"]) for row in rows))
        out[MEAN] = {"unit": "us/op", "aim": MEAN_AIM, "base": BETTER, "aim_is": "ratio", "median": {},
                     "ratio": {k: round(geometric_mean([row["ratio"][k] for row in rows]), 3) for k in kinds}}


def meets_aim(row):
    return row["ratio" if row["aim_is"] == "ratio" else "median"]["engine"] <= row["aim"]


def kinds_of(rows):
    return [k for k in KINDS if any(k in row["ratio"] for row in rows)]


def plain(out):
    kinds = kinds_of(out.values())
    lines = ["%-18s %-6s %-6s" % ("workload", "unit", "aim") + "".join("%18s" % k for k in kinds)]
    for name, row in out.items():
        cells = ["%9s (%5.2f)" % ("%.3f" % row["median"][k] if k in row["median"] else "", row["ratio"][k])
                 if k in row["ratio"] else "" for k in kinds]
        lines.append("%-18s %-6s %-6s" % (name, row["unit"], row["aim"]) + "".join("%18s" % c for c in cells)
                     + ("" if meets_aim(row) else "   missed"))
    return "\n".join(lines + ["(in brackets: ratio to the row's base: redis, memcached for mc_*, the better of redis and "
                              "valkey for other types; the aim is a ratio for us/op and us, else a value)"])


def number(value):
    return "%.2f" % value if value < 10 else "%.1f" % value if value < 1000 else "%.0f" % value


def markdown_row(title, row, kinds):
    is_ratio = row["aim_is"] == "ratio"
    cells = [number(row["median"][k]) if k in row["median"] else "" for k in kinds]
    ratio = "%.2f of %s" % (row["ratio"]["engine"], "the better" if row["base"] == BETTER else row["base"])
    aim = "≤ %s" % ("%.2f" % row["aim"] if is_ratio else "%g" % row["aim"])
    return "| " + " | ".join([title, *cells, ratio, aim + ("" if meets_aim(row) else ", **missed**")]) + " |"


def markdown(out):
    """One table for each group that has rows."""
    tables = []
    for heading, titles in GROUPS:
        rows = [(title, out[name]) for name, title in titles.items() if name in out]
        if not rows:
            continue
        kinds = kinds_of([row for _, row in rows])
        head = [heading, *("larder-engine" if k == "engine" else k for k in kinds), "ratio", "aim"]
        tables.append("\n".join(["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1),
                                 *(markdown_row(title, row, kinds) for title, row in rows)]))
    return "\n\n".join(tables) + "\n"
