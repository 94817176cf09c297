"""Users and user groups: through boto3, over restarts, and in the engines of attached caches."""
import pytest
import redis
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.hooks import HierarchicalEmitter as EventEmitter
from botocore.model import ServiceId
from botocore.signers import RequestSigner

from conftest import wait_until

PASSWORD = "password-of-16-ch"


def make_user(client, user_id, **more):
    wanted = {"UserId": user_id, "UserName": user_id, "Engine": "redis", "AccessString": "on ~* +@all",
              "Passwords": [PASSWORD]}
    return client.create_user(**{**wanted, **more})


def user_of(client, user_id):
    return client.describe_users(UserId=user_id)["Users"][0]


def group_of(client, group_id):
    return client.describe_user_groups(UserGroupId=group_id)["UserGroups"][0]


def wait_group(client, group_id):
    wait_until(lambda: group_of(client, group_id)["Status"] == "active", f"{group_id} is active", pause=0.02)
    return group_of(client, group_id)


def wait_user(client, user_id):
    wait_until(lambda: user_of(client, user_id)["Status"] == "active", f"{user_id} is active", pause=0.02)


def refusal(call, **members):
    with pytest.raises(ClientError) as caught:
        call(**members)
    return caught.value.response["Error"]["Code"]


def test_a_user_lives_from_create_to_delete(house):
    client = house.client()
    made = make_user(client, "Life", AccessString="on ~app::* -@all +@read", Tags=[{"Key": "team", "Value": "blue"}])
    assert (made["UserId"], made["Status"], made["AccessString"]) == ("life", "active", "on ~app::* -@all +@read")
    assert made["Authentication"] == {"Type": "password", "PasswordCount": 1}
    assert made["UserGroupIds"] == [] and made["MinimumEngineVersion"] == "6.0"
    assert client.list_tags_for_resource(ResourceName=made["ARN"])["TagList"] == [{"Key": "team", "Value": "blue"}]
    changed = client.modify_user(UserId="life", AppendAccessString="+set", Passwords=[PASSWORD, PASSWORD + "2"])
    assert changed["Status"] == "modifying" and changed["AccessString"] == "on ~app::* -@all +@read +set"
    wait_user(client, "life")
    assert client.delete_user(UserId="LIFE")["Status"] == "deleting"
    wait_until(lambda: "life" not in [u["UserId"] for u in client.describe_users()["Users"]], "the user is gone")
    assert refusal(client.describe_users, UserId="life") == "UserNotFound"
    events = client.describe_events(SourceType="user", SourceIdentifier="life")["Events"]
    assert [e["Message"] for e in events] == ["User life deleted", "Finished modifying user life",
                                              "Modifying user life", "User life created"]


def test_a_group_changes_by_pending_members(house):
    client = house.client()
    for name in ("g-one", "g-two"):
        make_user(client, name)
    make_user(client, "g-default", UserName="default")
    made = client.create_user_group(UserGroupId="Grp", Engine="REDIS", UserIds=["default", "g-one"])
    assert (made["UserGroupId"], made["Status"], made["Engine"]) == ("grp", "creating", "redis")
    wait_group(client, "grp")
    changed = client.modify_user_group(UserGroupId="grp", UserIdsToAdd=["g-two", "g-default"],
                                       UserIdsToRemove=["default"])
    assert changed["Status"] == "modifying" and changed["UserIds"] == ["default", "g-one"]
    assert changed["PendingChanges"] == {"UserIdsToAdd": ["g-default", "g-two"], "UserIdsToRemove": ["default"]}
    assert wait_group(client, "grp")["UserIds"] == ["g-default", "g-one", "g-two"]
    assert user_of(client, "g-two")["UserGroupIds"] == ["grp"]
    client.delete_user(UserId="g-one")
    wait_until(lambda: group_of(client, "grp")["UserIds"] == ["g-default", "g-two"], "the user has left its group")
    assert refusal(client.delete_user, UserId="g-default") == "DefaultUserAssociatedToUserGroup"
    client.delete_user_group(UserGroupId="grp")
    wait_until(lambda: refused_as_gone(client, "grp"), "the group is gone")


def refused_as_gone(client, group_id):
    try:
        client.describe_user_groups(UserGroupId=group_id)
        return False
    except client.exceptions.UserGroupNotFoundFault:
        return True


def test_mistakes_have_the_codes_of_the_service(house):
    client = house.client()
    make_user(client, "m-one")
    make_user(client, "m-valkey", Engine="valkey")
    member = {"UserGroupId": "m", "Engine": "redis", "UserIds": ["default"]}
    assert refusal(client.create_user, UserId="x", UserName="x", Engine="redis", AccessString="on +config",
                   Passwords=[PASSWORD]) == "InvalidParameterValue"
    assert refusal(client.create_user, UserId="m-one", UserName="x", Engine="redis", AccessString="on",
                   Passwords=[PASSWORD]) == "UserAlreadyExists"
    assert refusal(client.create_user, UserId="x", UserName="y", Engine="redis", AccessString="on",
                   AuthenticationMode={"Type": "iam"}) == "InvalidParameterCombination"
    assert refusal(client.create_user_group, **{**member, "UserIds": ["m-one"]}) == "DefaultUserRequired"
    assert refusal(client.create_user_group, **{**member, "UserIds": ["default", "no-one"]}) == "UserNotFound"
    assert refusal(client.create_user_group, **{**member, "UserIds": ["default", "m-valkey"]}) \
        == "InvalidParameterCombination"
    client.create_user_group(**member)
    assert refusal(client.create_user_group, **member) == "UserGroupAlreadyExists"
    wait_group(client, "m")
    assert refusal(client.modify_user_group, UserGroupId="m") == "InvalidParameterCombination"
    assert refusal(client.modify_user_group, UserGroupId="m", UserIdsToRemove=["m-one"]) == "InvalidParameterValue"
    assert refusal(client.modify_user, UserId="nobody", AccessString="on") == "UserNotFound"
    assert refusal(client.describe_users, Filters=[{"Name": "nonsense", "Values": ["x"]}]) == "InvalidParameterValue"


def test_pages_and_filters_give_every_user_once(house):
    client = house.client()
    for i in range(25):
        make_user(client, f"p-{i:02}", Engine="valkey" if i % 5 == 0 else "redis")
    pages = list(client.get_paginator("describe_users").paginate(PaginationConfig={"PageSize": 20}))
    seen = [u["UserId"] for page in pages for u in page["Users"]]
    assert seen == sorted(set(seen)) and len([s for s in seen if s.startswith("p-")]) == 25 and "default" in seen
    names = {u["UserId"] for u in client.describe_users(Engine="VALKEY")["Users"]}
    assert {"p-00", "p-20"} <= names and "p-01" not in names
    found = client.describe_users(Filters=[{"Name": "UserId", "Values": ["p-03", "p-04"]}])["Users"]
    assert [u["UserId"] for u in found] == ["p-03", "p-04"]


def test_users_outlive_a_restart_and_no_password_is_kept(new_service):
    service = new_service().start()
    client = service.client()
    make_user(client, "ann")
    client.create_user_group(UserGroupId="team", Engine="redis", UserIds=["default", "ann"])
    wait_group(client, "team")
    before = user_of(client, "ann"), group_of(client, "team")
    service.stop()
    kept = b"".join(p.read_bytes() for p in service.state_dir.rglob("*") if p.is_file())
    assert PASSWORD.encode() not in kept
    service.start()
    assert (user_of(client, "ann"), group_of(client, "team")) == before


def iam_token(cache, user, account="000000000000", secret="test"):
    """As the guide to authentication with IAM makes one: a presigned URL without its scheme."""
    emitter = EventEmitter()  # the signer only holds it weakly
    signer = RequestSigner(ServiceId("elasticache"), "us-east-1", "elasticache", "v4", Credentials(account, secret), emitter)
    url = signer.generate_presigned_url({"method": "GET", "url": f"http://{cache}/?Action=connect&User={user}",
                                         "body": {}, "headers": {}, "context": {}},
                                        operation_name="connect", expires_in=900, region_name="us-east-1")
    return url.removeprefix("http://")


def test_an_iam_user_enters_with_a_token(house):
    client = house.client()
    make_user(client, "i-default", UserName="default", AccessString="off -@all")
    client.create_user(UserId="i-ann", UserName="i-ann", Engine="redis", AccessString="on ~* +@all",
                       AuthenticationMode={"Type": "iam"})
    client.create_user_group(UserGroupId="i-grp", Engine="redis", UserIds=["i-default", "i-ann"])
    wait_group(client, "i-grp")
    client.create_replication_group(ReplicationGroupId="iam-cache", ReplicationGroupDescription="d", Engine="redis",
                                    CacheNodeType="cache.t4g.micro", NumCacheClusters=1, UserGroupIds=["i-grp"],
                                    TransitEncryptionEnabled=True)
    client.get_waiter("replication_group_available").wait(ReplicationGroupId="iam-cache",
                                                          WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})
    group = client.describe_replication_groups(ReplicationGroupId="iam-cache")["ReplicationGroups"][0]
    endpoint = group["NodeGroups"][0]["PrimaryEndpoint"]

    def connect(user, token):
        return redis.Redis(endpoint["Address"], endpoint["Port"], username=user, password=token, ssl=True,
                           ssl_cert_reqs="none", socket_timeout=10)

    token = iam_token("iam-cache", "i-ann")
    ann = connect("i-ann", token)
    assert ann.set("k", "v") and ann.acl_whoami() == "i-ann"
    for user, wrong in [("i-ann", iam_token("other-cache", "i-ann")), ("i-ann", iam_token("iam-cache", "i-bob")),
                        ("i-ann", "no token"), ("i-bob", token)]:
        with pytest.raises(redis.exceptions.RedisError, match="WRONGPASS"):
            connect(user, wrong).ping()
    assert ann.get("k") == b"v", "who is in stays in"
