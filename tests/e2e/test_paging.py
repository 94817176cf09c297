"""Paging through 250 clusters, by hand as the SDKs do it and by the clients' own paginators."""
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from conftest import answers_ping, redis_cli

COUNT = 250


@pytest.fixture(scope="module", name="crowd")
def crowd_of_clusters(house):
    """250 clusters, made by ten callers at a time; all real."""
    client = house.client()
    names = [f"crowd-{i:03}" for i in range(COUNT)]

    def create(name):
        client.create_cache_cluster(CacheClusterId=name, Engine="redis", CacheNodeType="cache.t4g.micro",
                                    NumCacheNodes=1)

    with ThreadPoolExecutor(10) as pool:
        list(pool.map(create, names))
    return names


def pages_by_hand(client, **more):
    """Every page's ids, following Marker."""
    pages, marker = [], {}
    while True:
        answer = client.describe_cache_clusters(**marker, **more)
        pages.append([c["CacheClusterId"] for c in answer["CacheClusters"]])
        if not answer.get("Marker"):
            return pages
        marker = {"Marker": answer["Marker"]}


@pytest.mark.parametrize("records", [20, 33, 100])
def test_pages_have_the_size_asked_for_and_miss_nobody(house, crowd, records):
    pages = pages_by_hand(house.client(), MaxRecords=records)
    assert [n for page in pages for n in page] == crowd
    assert {len(page) for page in pages[:-1]} == {records}
    assert 0 < len(pages[-1]) <= records


def test_a_hundred_is_the_page_when_none_is_asked_for(house, crowd):
    assert [len(p) for p in pages_by_hand(house.client())] == [100, 100, COUNT - 200]
    assert crowd


def test_the_paginator_of_boto3_sees_all(house, crowd):
    pages = house.client().get_paginator("describe_cache_clusters").paginate(PaginationConfig={"PageSize": 20})
    assert [c["CacheClusterId"] for page in pages for c in page["CacheClusters"]] == crowd


def test_clients_print_the_same_pages(house, crowd):
    words = ["describe-cache-clusters", "--max-items", "130", "--page-size", "50"]
    theirs = house.aws("elasticache", *words)
    ours = house.larder(*words)
    assert (ours.returncode, ours.stdout) == (theirs.returncode, theirs.stdout)
    token = house.aws_json("elasticache", *words)["NextToken"]
    rest = ["describe-cache-clusters", "--starting-token", token]
    assert house.larder(*rest).stdout == house.aws("elasticache", *rest).stdout
    assert crowd


@pytest.mark.parametrize("bad", [{"MaxRecords": 19}, {"MaxRecords": 101}, {"MaxRecords": -1}, {"Marker": "no marker"}])
def test_impossible_pages_are_refused(house, bad):
    with pytest.raises(ClientError) as caught:
        house.client().describe_cache_clusters(**bad)
    assert caught.value.response["Error"]["Code"] == "InvalidParameterValue"


def test_all_of_them_work_and_go(house, crowd):
    client = house.client()
    for name in crowd:
        house.wait_available(name, client)
    shown = client.get_paginator("describe_cache_clusters").paginate(ShowCacheNodeInfo=True)
    endpoints = [c["CacheNodes"][0]["Endpoint"] for page in shown for c in page["CacheClusters"]]
    assert len({e["Address"] for e in endpoints}) == COUNT
    assert all(answers_ping(e) for e in endpoints)
    assert redis_cli(endpoints[-1], "SET", "k", "v") == "OK"
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda name: client.delete_cache_cluster(CacheClusterId=name), crowd))
    for name in crowd:
        house.wait_deleted(name, client)
    assert house.pids("larder-engine") == []
