"""aws_elasticache_parameter_group under the unmodified provider: in place, by import, and gone."""
import pytest
from botocore.exceptions import ClientError

from terraform import needs_terraform

pytestmark = needs_terraform

# More than one call takes: the provider sends twenty at a time.
MANY = {
    "active-defrag-cycle-max": "70", "active-defrag-cycle-min": "6", "active-defrag-ignore-bytes": "204857600",
    "active-defrag-max-scan-fields": "2000", "active-defrag-threshold-lower": "11", "activedefrag": "yes",
    "active-expire-effort": "2", "client-query-buffer-limit": "1048576", "hash-max-listpack-entries": "100",
    "hash-max-listpack-value": "32", "hll-sparse-max-bytes": "2000", "latency-tracking": "yes",
    "lazyfree-lazy-eviction": "yes", "lazyfree-lazy-expire": "yes", "lfu-decay-time": "2", "lfu-log-factor": "11",
    "list-compress-depth": "1", "maxmemory-policy": "allkeys-lru", "maxmemory-samples": "7",
    "notify-keyspace-events": "Ex", "reserved-memory-percent": "30", "slowlog-max-len": "256", "timeout": "0300",
}


def group(label, name, family, parameters, more=""):
    blocks = "".join(f'  parameter {{\n    name  = "{k}"\n    value = "{v}"\n  }}\n' for k, v in parameters.items())
    return f'resource "aws_elasticache_parameter_group" "{label}" {{\n  name   = "{name}"\n' \
           f'  family = "{family}"\n{more}{blocks}}}\n'


def user_values(house, name):
    found = house.client().describe_cache_parameters(CacheParameterGroupName=name, Source="user")
    return {p["ParameterName"]: p["ParameterValue"] for p in found["Parameters"]}


def test_groups_are_applied_changed_in_place_imported_and_destroyed(house, terraform):
    old = {"reserved-memory": "0", "tcp-keepalive": "360"}
    terraform.apply(
        group("many", "Upper-Case", "redis7", MANY, '  description = "one"\n  tags = { team = "blue" }\n')
        + group("plain", "plain", "memcached1.6", {})
        + group("old", "old", "redis3.2", old))
    terraform.plan_is_empty()
    assert user_values(house, "upper-case") == MANY
    assert user_values(house, "plain") == {}
    assert user_values(house, "old") == old

    changed = dict(MANY, timeout="600", databases="32", **{"cluster-enabled": "yes"})
    del changed["activedefrag"], changed["maxmemory-policy"]
    terraform.apply(
        group("many", "Upper-Case", "redis7", changed, '  description = "one"\n  tags = { team = "red" }\n')
        + group("plain", "plain", "memcached1.6", {"max_item_size": "10485760"})
        + group("old", "old", "redis3.2", {"tcp-keepalive": "360"}))
    terraform.plan_is_empty()
    assert user_values(house, "upper-case") == changed
    assert user_values(house, "plain") == {"max_item_size": "10485760"}

    terraform.import_again({"aws_elasticache_parameter_group.many": "upper-case",
                            "aws_elasticache_parameter_group.old": "old"})
    terraform.destroy()
    for name in ("upper-case", "plain", "old"):
        with pytest.raises(ClientError, match="CacheParameterGroupNotFound"):
            house.client().describe_cache_parameter_groups(CacheParameterGroupName=name)
