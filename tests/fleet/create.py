"""Creates a stack of the template on standard input in the AWS at the given URL, and prints what came of it as JSON.

With AWS's own client, as an operator would: nothing here comes from this repository.
"""

import base64
import json
import sys

import boto3

URL = sys.argv[1]
NAME = "lb.example.com."
OTHER_NAME = "each.example.com."


def client(service):
    return boto3.client(
        service,
        endpoint_url=URL,
        region_name="us-east-1",
        aws_access_key_id="operator",
        aws_secret_access_key="operator",
    )


def main():
    cloudformation, ec2, route53 = client("cloudformation"), client("ec2"), client("route53")
    zone = route53.create_hosted_zone(Name="example.com.", CallerReference="fleet")["HostedZone"]["Id"]
    parameters = {
        "ImageId": "ami-12345678",
        "PackageUrl": "https://example.com/paird.deb",
        "PackageSha256": "0" * 64,
        "Backend": "127.0.0.1:1",
        "HostedZoneId": zone.removeprefix("/hostedzone/"),
        "RecordName": NAME,
    }
    template = sys.stdin.read()
    create(cloudformation, "fleet", template, parameters)
    # The same once more, with the other kind of name, and with the endpoint.
    other = {"RecordKind": "multivalue", "RecordName": OTHER_NAME, "InterfaceEndpoint": "yes"}
    create(cloudformation, "other", template, parameters | other)
    stack = cloudformation.describe_stacks(StackName="fleet")["Stacks"][0]
    resources = {
        resource["LogicalResourceId"]: resource["PhysicalResourceId"]
        for resource in cloudformation.describe_stack_resources(StackName="fleet")["StackResources"]
        # moto keeps some without an id, such as the routes of a subnet.
        if "PhysicalResourceId" in resource
    }
    nodes = {name: node(ec2, instance) for name, instance in resources.items() if "Node" in name and name.startswith("Pair")}
    addresses = {
        name: {"public_ip": address["PublicIp"], "allocation_id": address["AllocationId"]}
        for name, public_ip in resources.items()
        if name.endswith("Address")
        for address in ec2.describe_addresses(PublicIps=[public_ip])["Addresses"]
    }
    records = route53.list_resource_record_sets(HostedZoneId=zone)["ResourceRecordSets"]
    values = [value["Value"] for record in records if record["Name"] == NAME for value in record["ResourceRecords"]]
    checks = {check["Id"]: check["HealthCheckConfig"]["IPAddress"] for check in route53.list_health_checks()["HealthChecks"]}
    answers = [
        {"value": value["Value"], "checked": checks[record["HealthCheckId"]]}
        for record in records
        if record["Name"] == OTHER_NAME and record["MultiValueAnswer"]
        for value in record["ResourceRecords"]
    ]
    endpoints = [endpoint["ServiceName"] for endpoint in ec2.describe_vpc_endpoints()["VpcEndpoints"]]
    made = {"status": stack["StackStatus"], "nodes": nodes, "addresses": addresses, "values": values}
    made |= {"answers": answers, "endpoints": endpoints}
    print(json.dumps(made))


def create(cloudformation, name, template, parameters):
    cloudformation.create_stack(
        StackName=name,
        TemplateBody=template,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=["CAPABILITY_IAM"],
    )


def node(ec2, instance_id):
    instance = ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]
    user_data = ec2.describe_instance_attribute(InstanceId=instance_id, Attribute="userData")["UserData"]["Value"]
    interface = instance["NetworkInterfaces"][0]
    return {
        "instance_id": instance_id,
        "network_interface_id": interface["NetworkInterfaceId"],
        "mac": interface["MacAddress"].lower(),
        "private_ip": interface["PrivateIpAddress"],
        "subnet_id": instance["SubnetId"],
        "availability_zone": instance["Placement"]["AvailabilityZone"],
        "user_data": base64.b64decode(user_data).decode(),
    }


main()
