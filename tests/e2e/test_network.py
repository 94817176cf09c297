"""Networks: the default VPC, own ones made by the EC2 calls, subnet groups over them, and caches placed in them."""
import ipaddress
import json

import pytest
from botocore.exceptions import ClientError


@pytest.fixture(scope="module")
def ec2(house):
    return house.client("ec2")


@pytest.fixture(scope="module")
def ec(house):
    return house.client()


def code_of(call, **arguments):
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    return raised.value.response["Error"]["Code"], raised.value.response["ResponseMetadata"]["HTTPStatusCode"]


@pytest.fixture(scope="module")
def office(ec2):
    """A VPC with subnets in two zones and a security group."""
    vpc = ec2.create_vpc(CidrBlock="10.20.0.0/16", TagSpecifications=[
        {"ResourceType": "vpc", "Tags": [{"Key": "Name", "Value": "office"}]}])["Vpc"]["VpcId"]
    subnets = [ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.20.{n}.0/24", AvailabilityZone=f"us-east-1{zone}")
               ["Subnet"]["SubnetId"] for n, zone in enumerate("bc")]
    group = ec2.create_security_group(VpcId=vpc, GroupName="caches", Description="who may come")["GroupId"]
    return {"vpc": vpc, "subnets": subnets, "group": group}


def test_a_default_vpc_with_a_subnet_in_each_zone_is_there(house, ec2):
    vpc, = ec2.describe_vpcs(Filters=[{"Name": "isDefault", "Values": ["true"]}])["Vpcs"]
    assert vpc["State"] == "available" and vpc["OwnerId"] == "000000000000"
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]},
                                            {"Name": "default-for-az", "Values": ["true"]}])["Subnets"]
    assert sorted(s["AvailabilityZone"] for s in subnets) == ["us-east-1a", "us-east-1b", "us-east-1c"]
    blocks = [ipaddress.ip_network(s["CidrBlock"]) for s in subnets]
    assert all(b.subnet_of(ipaddress.ip_network(vpc["CidrBlock"])) for b in blocks)
    group, = ec2.describe_security_groups(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]},
                                                   {"Name": "group-name", "Values": ["default"]}])["SecurityGroups"]
    assert group["IpPermissions"][0]["UserIdGroupPairs"][0]["GroupId"] == group["GroupId"]
    assert group["IpPermissionsEgress"][0]["IpRanges"] == [{"CidrIp": "0.0.0.0/0"}]
    again = house.client("ec2").describe_vpcs()["Vpcs"]
    assert [v["VpcId"] for v in again if v["IsDefault"]] == [vpc["VpcId"]]


def test_each_account_and_region_has_its_own(house, ec2):
    here = {v["VpcId"] for v in ec2.describe_vpcs()["Vpcs"]}
    there = {v["VpcId"] for v in house.client("ec2", account="111111111111").describe_vpcs()["Vpcs"]}
    assert here and there and not here & there


def test_what_belongs_to_a_vpc_is_found_as_the_terraform_provider_asks(ec2, office):
    mine = {"Name": "vpc-id", "Values": [office["vpc"]]}
    acl, = ec2.describe_network_acls(Filters=[mine, {"Name": "default", "Values": ["true"]}])["NetworkAcls"]
    assert sorted(a["SubnetId"] for a in acl["Associations"]) == sorted(office["subnets"])
    table, = ec2.describe_route_tables(Filters=[mine, {"Name": "association.main", "Values": ["true"]}])["RouteTables"]
    assert table["Routes"][0]["DestinationCidrBlock"] == "10.20.0.0/16" and table["Associations"][0]["Main"]
    assert ec2.describe_vpc_attribute(VpcId=office["vpc"], Attribute="enableDnsSupport")["EnableDnsSupport"]["Value"]
    ec2.modify_vpc_attribute(VpcId=office["vpc"], EnableDnsHostnames={"Value": True})
    told = ec2.describe_vpc_attribute(VpcId=office["vpc"], Attribute="enableDnsHostnames")
    assert told["EnableDnsHostnames"]["Value"] is True
    vpc, = ec2.describe_vpcs(Filters=[{"Name": "tag:Name", "Values": ["off*"]}])["Vpcs"]
    assert vpc["VpcId"] == office["vpc"]


def test_rules_are_authorized_described_and_revoked(ec2, office):
    group = office["group"]
    web = {"IpProtocol": "tcp", "FromPort": 6379, "ToPort": 6380,
           "IpRanges": [{"CidrIp": "10.0.0.0/8", "Description": "office"}, {"CidrIp": "192.168.0.0/16"}],
           "Ipv6Ranges": [{"CidrIpv6": "fd00::/8"}], "UserIdGroupPairs": [{"GroupId": group}]}
    made = ec2.authorize_security_group_ingress(GroupId=group, IpPermissions=[web])["SecurityGroupRules"]
    assert len(made) == 4 and all(r["SecurityGroupRuleId"].startswith("sgr-") for r in made)
    told, = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    permission, = told["IpPermissions"]
    assert len(permission["IpRanges"]) == 2 and len(permission["Ipv6Ranges"]) == 1
    assert {"CidrIp": "10.0.0.0/8", "Description": "office"} in permission["IpRanges"]
    rules = ec2.describe_security_group_rules(Filters=[{"Name": "group-id", "Values": [group]}])["SecurityGroupRules"]
    assert len(rules) == 5 and sum(r["IsEgress"] for r in rules) == 1
    assert code_of(ec2.authorize_security_group_ingress, GroupId=group, IpPermissions=[web]) == (
        "InvalidPermission.Duplicate", 400)

    ec2.revoke_security_group_egress(GroupId=group, IpPermissions=[{"IpProtocol": "-1",
                                                                   "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}])
    ec2.revoke_security_group_ingress(GroupId=group, SecurityGroupRuleIds=[made[0]["SecurityGroupRuleId"]])
    told, = ec2.describe_security_groups(GroupIds=[group])["SecurityGroups"]
    assert told["IpPermissionsEgress"] == []
    ec2.revoke_security_group_ingress(GroupId=group, IpPermissions=[dict(web, IpRanges=[], Ipv6Ranges=[])])
    assert code_of(ec2.revoke_security_group_ingress, GroupId=group, CidrIp="1.2.3.0/24", IpProtocol="tcp", FromPort=1,
                   ToPort=1) == ("InvalidPermission.NotFound", 400)


MISSING = [
    ("describe_vpcs", {"VpcIds": ["vpc-none"]}, "InvalidVpcID.NotFound"),
    ("describe_subnets", {"SubnetIds": ["subnet-none"]}, "InvalidSubnetID.NotFound"),
    ("describe_security_groups", {"GroupIds": ["sg-none"]}, "InvalidGroup.NotFound"),
    ("describe_security_group_rules", {"SecurityGroupRuleIds": ["sgr-none"]}, "InvalidSecurityGroupRuleId.NotFound"),
    ("describe_network_acls", {"NetworkAclIds": ["acl-none"]}, "InvalidNetworkAclID.NotFound"),
    ("describe_route_tables", {"RouteTableIds": ["rtb-none"]}, "InvalidRouteTableID.NotFound"),
    ("describe_network_interfaces", {"NetworkInterfaceIds": ["eni-none"]}, "InvalidNetworkInterfaceID.NotFound"),
    ("delete_vpc", {"VpcId": "vpc-none"}, "InvalidVpcID.NotFound"),
    ("delete_subnet", {"SubnetId": "subnet-none"}, "InvalidSubnetID.NotFound"),
    ("delete_security_group", {"GroupId": "sg-none"}, "InvalidGroup.NotFound"),
    ("create_subnet", {"VpcId": "vpc-none", "CidrBlock": "10.0.0.0/24"}, "InvalidVpcID.NotFound"),
    ("create_tags", {"Resources": ["vpc-none"], "Tags": [{"Key": "a", "Value": "b"}]}, "InvalidID"),
    ("create_vpc", {"CidrBlock": "10.0.0.0/8"}, "InvalidVpc.Range"),
    ("create_vpc", {"CidrBlock": "10.0.0.0"}, "InvalidParameterValue"),
    ("create_vpc", {"CidrBlock": "10.0.0.0/16", "DryRun": True}, "DryRunOperation"),
    ("describe_vpcs", {"Filters": [{"Name": "colour", "Values": ["red"]}]}, "InvalidParameterValue"),
]


@pytest.mark.parametrize("call, arguments, code", MISSING)
def test_what_is_not_there_is_told_in_ec2_s_way(ec2, call, arguments, code):
    before = len(ec2.describe_vpcs()["Vpcs"])
    assert code_of(getattr(ec2, call), **arguments)[0] == code
    assert len(ec2.describe_vpcs()["Vpcs"]) == before


def test_blocks_of_addresses_must_fit(ec2, office):
    assert code_of(ec2.create_subnet, VpcId=office["vpc"], CidrBlock="10.20.1.128/25")[0] == "InvalidSubnet.Conflict"
    assert code_of(ec2.create_subnet, VpcId=office["vpc"], CidrBlock="10.21.0.0/24")[0] == "InvalidSubnet.Range"
    assert code_of(ec2.create_security_group, VpcId=office["vpc"], GroupName="caches", Description="again")[0] == (
        "InvalidGroup.Duplicate")
    assert code_of(ec2.delete_vpc, VpcId=office["vpc"])[0] == "DependencyViolation"


def test_a_cache_stands_in_the_zones_of_its_subnet_group(house, ec, ec2, office):
    made = ec.create_cache_subnet_group(CacheSubnetGroupName="Office", CacheSubnetGroupDescription="d",
                                        SubnetIds=office["subnets"], Tags=[{"Key": "team", "Value": "blue"}])
    group = made["CacheSubnetGroup"]
    assert group["CacheSubnetGroupName"] == "office" and group["VpcId"] == office["vpc"]
    assert ec.list_tags_for_resource(ResourceName=group["ARN"])["TagList"] == [{"Key": "team", "Value": "blue"}]
    house.create("in-office", engine="memcached", nodes=2, AZMode="cross-az", CacheSubnetGroupName="office",
                 SecurityGroupIds=[office["group"]])
    cluster = house.describe("in-office")
    assert {n["CustomerAvailabilityZone"] for n in cluster["CacheNodes"]} == {"us-east-1b", "us-east-1c"}
    assert cluster["SecurityGroups"] == [{"SecurityGroupId": office["group"], "Status": "active"}]

    interfaces = ec2.describe_network_interfaces(Filters=[{"Name": "vpc-id", "Values": [office["vpc"]]}])
    assert {i["SubnetId"] for i in interfaces["NetworkInterfaces"]} == set(office["subnets"])
    assert code_of(ec2.delete_security_group, GroupId=office["group"])[0] == "DependencyViolation"
    assert code_of(ec2.delete_subnet, SubnetId=office["subnets"][0])[0] == "DependencyViolation"
    assert code_of(ec.modify_cache_subnet_group, CacheSubnetGroupName="office", SubnetIds=office["subnets"][:1]) == (
        "SubnetInUse", 400)
    assert code_of(ec.delete_cache_subnet_group, CacheSubnetGroupName="office") == ("CacheSubnetGroupInUse", 400)
    assert code_of(ec.create_cache_cluster, CacheClusterId="x", Engine="redis", CacheNodeType="cache.t4g.micro",
                   CacheSubnetGroupName="office", PreferredAvailabilityZone="us-east-1a")[0] == "InvalidParameterValue"
    default, = ec2.describe_security_groups(GroupNames=["default"])["SecurityGroups"]
    assert code_of(ec.create_cache_cluster, CacheClusterId="x", Engine="redis", CacheNodeType="cache.t4g.micro",
                   CacheSubnetGroupName="office", SecurityGroupIds=[default["GroupId"]])[0] == (
                       "InvalidParameterCombination")

    ec.delete_cache_cluster(CacheClusterId="in-office")
    house.wait_deleted("in-office")
    ec.delete_cache_subnet_group(CacheSubnetGroupName="office")  # the moment the last cluster is gone
    assert code_of(ec.describe_cache_subnet_groups, CacheSubnetGroupName="office") == (
        "CacheSubnetGroupNotFoundFault", 400)


def test_unknown_subnets_are_taken_and_remembered(ec, ec2):
    ids = ["subnet-aa", "subnet-bb", "subnet-cc"]
    group = ec.create_cache_subnet_group(CacheSubnetGroupName="assumed", CacheSubnetGroupDescription="d",
                                         SubnetIds=ids)["CacheSubnetGroup"]
    zones = {s["SubnetIdentifier"]: s["SubnetAvailabilityZone"]["Name"] for s in group["Subnets"]}
    assert len(set(zones.values())) == 3
    told = ec2.describe_subnets(SubnetIds=ids)["Subnets"]
    assert {s["SubnetId"]: s["AvailabilityZone"] for s in told} == zones
    ec.delete_cache_subnet_group(CacheSubnetGroupName="assumed")
    again = ec.create_cache_subnet_group(CacheSubnetGroupName="again", CacheSubnetGroupDescription="d",
                                         SubnetIds=ids[::-1])["CacheSubnetGroup"]
    assert {s["SubnetIdentifier"]: s["SubnetAvailabilityZone"]["Name"] for s in again["Subnets"]} == zones
    ec.delete_cache_subnet_group(CacheSubnetGroupName="again")


def test_a_vpc_is_emptied_and_deleted(ec2):
    vpc = ec2.create_vpc(CidrBlock="10.30.0.0/16", AmazonProvidedIpv6CidrBlock=True)["Vpc"]
    block = ipaddress.ip_network(vpc["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"])
    six = str(next(block.subnets(new_prefix=64)))
    subnet = ec2.create_subnet(VpcId=vpc["VpcId"], CidrBlock="10.30.0.0/24", Ipv6CidrBlock=six)["Subnet"]
    assert subnet["Ipv6CidrBlockAssociationSet"][0]["Ipv6CidrBlock"] == six
    ec2.modify_subnet_attribute(SubnetId=subnet["SubnetId"], AssignIpv6AddressOnCreation={"Value": True})
    ec2.create_tags(Resources=[vpc["VpcId"], subnet["SubnetId"]], Tags=[{"Key": "k", "Value": "v"}])
    told = ec2.describe_subnets(Filters=[{"Name": "tag:k", "Values": ["v"]}])["Subnets"]
    assert [s["SubnetId"] for s in told] == [subnet["SubnetId"]] and told[0]["AssignIpv6AddressOnCreation"]
    tags = ec2.describe_tags(Filters=[{"Name": "key", "Values": ["k"]}])["Tags"]
    assert {t["ResourceId"] for t in tags} == {vpc["VpcId"], subnet["SubnetId"]}
    ec2.delete_tags(Resources=[subnet["SubnetId"]], Tags=[{"Key": "k"}])
    ec2.delete_subnet(SubnetId=subnet["SubnetId"])
    ec2.delete_vpc(VpcId=vpc["VpcId"])
    assert code_of(ec2.describe_vpcs, VpcIds=[vpc["VpcId"]]) == ("InvalidVpcID.NotFound", 400)
    assert ec2.describe_tags(Filters=[{"Name": "resource-id", "Values": [vpc["VpcId"]]}])["Tags"] == []


def test_lists_come_in_pages(ec2):
    first = ec2.describe_subnets(MaxResults=5)
    while len(first["Subnets"]) < 5:
        ec2.create_subnet(VpcId=first["Subnets"][0]["VpcId"], CidrBlock=f"172.31.{96 + len(first['Subnets']) * 16}.0/20")
        first = ec2.describe_subnets(MaxResults=5)
    everything = {s["SubnetId"] for s in ec2.describe_subnets()["Subnets"]}
    pages = [s["SubnetId"] for page in ec2.get_paginator("describe_subnets").paginate(PaginationConfig={"PageSize": 5})
             for s in page["Subnets"]]
    assert sorted(pages) == sorted(everything)


def test_iam_tells_whose_account_it_is(house):
    iam = house.client("iam")
    assert iam.get_user()["User"]["Arn"] == "arn:aws:iam::000000000000:root"
    roles = iam.list_roles()["Roles"]
    assert [r["Arn"].split(":")[4] for r in roles] == ["000000000000"]
    assert code_of(iam.get_user, UserName="somebody") == ("NoSuchEntity", 404)


def test_a_declared_network_takes_no_other_ids(new_service):
    service = new_service("--network", "declared").start()
    ec = service.client()
    assert code_of(ec.create_cache_subnet_group, CacheSubnetGroupName="g", CacheSubnetGroupDescription="d",
                   SubnetIds=["subnet-unknown"]) == ("InvalidSubnet", 400)
    known = service.client("ec2").describe_subnets()["Subnets"][0]["SubnetId"]
    ec.create_cache_subnet_group(CacheSubnetGroupName="g", CacheSubnetGroupDescription="d", SubnetIds=[known])


def test_operators_declare_networks_in_a_file(new_service, tmp_path):
    declared = tmp_path / "network.json"
    declared.write_text(json.dumps({"Vpcs": [{
        "VpcId": "vpc-office", "CidrBlock": "10.60.0.0/16",
        "Subnets": [{"SubnetId": "subnet-office", "AvailabilityZone": "us-east-1b", "CidrBlock": "10.60.0.0/24"}],
        "SecurityGroups": [{"GroupId": "sg-office", "GroupName": "office"}]}]}))
    service = new_service("--network", "declared", "--network-file", str(declared)).start()
    ec = service.client()
    ec.create_cache_subnet_group(CacheSubnetGroupName="office", CacheSubnetGroupDescription="d",
                                 SubnetIds=["subnet-office"])
    service.create("here", CacheSubnetGroupName="office", SecurityGroupIds=["sg-office"])
    node, = service.describe("here")["CacheNodes"]
    assert node["CustomerAvailabilityZone"] == "us-east-1b"
    assert code_of(service.client("ec2").delete_vpc, VpcId="vpc-office")[0] == "DependencyViolation"
