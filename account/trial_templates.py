"""The stacks that `verify` needs: a load balancer with a site behind it, and a laboratory.

The templates are written as Python so that the site answers exactly what the rehearsal's does.
"""

import json
from typing import Any

from rehearsal.shop import CLOSED_PAGE, OPEN_PAGE

SITE_CODE = f"""
def handler(event, context):
    return {{"statusCode": 200, "headers": {{"Content-Type": "text/plain"}}, "body": {OPEN_PAGE!r}}}
"""


def role(service: str, *statements: dict[str, Any]) -> dict[str, Any]:
    """A role that one service may take."""
    properties: dict[str, Any] = {
        "AssumeRolePolicyDocument": {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": f"{service}.amazonaws.com"},
                    "Action": "sts:AssumeRole",
                }
            ],
        }
    }
    if statements:
        document = {"Version": "2012-10-17", "Statement": list(statements)}
        properties["Policies"] = [{"PolicyName": "work", "PolicyDocument": document}]
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def laboratory() -> str:
    """Schedules that send to a queue, so that their firing can be timed, and a table to race in."""
    return json.dumps(
        {
            "Resources": {
                "Group": {
                    "Type": "AWS::Scheduler::ScheduleGroup",
                    "Properties": {"Name": {"Ref": "AWS::StackName"}},
                },
                "Queue": {"Type": "AWS::SQS::Queue"},
                "Table": {
                    "Type": "AWS::DynamoDB::Table",
                    "Properties": {
                        "BillingMode": "PAY_PER_REQUEST",
                        "AttributeDefinitions": [
                            {"AttributeName": "scope", "AttributeType": "S"},
                            {"AttributeName": "id", "AttributeType": "S"},
                        ],
                        "KeySchema": [
                            {"AttributeName": "scope", "KeyType": "HASH"},
                            {"AttributeName": "id", "KeyType": "RANGE"},
                        ],
                    },
                },
                "Role": role(
                    "scheduler",
                    {
                        "Effect": "Allow",
                        "Action": "sqs:SendMessage",
                        "Resource": {"Fn::GetAtt": ["Queue", "Arn"]},
                    },
                ),
            },
            "Outputs": {
                "Group": {"Value": {"Ref": "Group"}},
                "Table": {"Value": {"Ref": "Table"}},
                "QueueUrl": {"Value": {"Ref": "Queue"}},
                "QueueArn": {"Value": {"Fn::GetAtt": ["Queue", "Arn"]}},
                "RoleArn": {"Value": {"Fn::GetAtt": ["Role", "Arn"]}},
            },
        }
    )


def site() -> str:
    """A load balancer in given subnets whose only rule forwards to a function; 503 otherwise."""
    return json.dumps(
        {
            "Parameters": {
                "Vpc": {"Type": "String"},
                "Subnets": {"Type": "CommaDelimitedList"},
            },
            "Resources": {
                "SecurityGroup": {
                    "Type": "AWS::EC2::SecurityGroup",
                    "Properties": {
                        "GroupDescription": "A trial site, for some minutes",
                        "VpcId": {"Ref": "Vpc"},
                        # The probes come from Lambda, whose addresses nobody knows beforehand.
                        "SecurityGroupIngress": [
                            {
                                "IpProtocol": "tcp",
                                "FromPort": 80,
                                "ToPort": 80,
                                "CidrIp": "0.0.0.0/0",
                            }
                        ],
                    },
                },
                "LoadBalancer": {
                    "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
                    "Properties": {
                        "Subnets": {"Ref": "Subnets"},
                        "SecurityGroups": [{"Ref": "SecurityGroup"}],
                    },
                },
                # It may not even log: Lambda would make a log group that nobody removes.
                "SiteRole": role("lambda"),
                "Site": {
                    "Type": "AWS::Lambda::Function",
                    "Properties": {
                        "Runtime": "python3.13",
                        "Handler": "index.handler",
                        "Role": {"Fn::GetAtt": ["SiteRole", "Arn"]},
                        "Code": {"ZipFile": SITE_CODE},
                    },
                },
                "MayInvoke": {
                    "Type": "AWS::Lambda::Permission",
                    "Properties": {
                        "FunctionName": {"Ref": "Site"},
                        "Action": "lambda:InvokeFunction",
                        "Principal": "elasticloadbalancing.amazonaws.com",
                        "SourceAccount": {"Ref": "AWS::AccountId"},
                    },
                },
                "Targets": {
                    "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
                    "DependsOn": "MayInvoke",
                    "Properties": {
                        "TargetType": "lambda",
                        "Targets": [{"Id": {"Fn::GetAtt": ["Site", "Arn"]}}],
                    },
                },
                "Listener": {
                    "Type": "AWS::ElasticLoadBalancingV2::Listener",
                    "Properties": {
                        "LoadBalancerArn": {"Ref": "LoadBalancer"},
                        "Protocol": "HTTP",
                        "Port": 80,
                        "DefaultActions": [
                            {
                                "Type": "fixed-response",
                                "FixedResponseConfig": {
                                    "StatusCode": "503",
                                    "ContentType": "text/plain",
                                    "MessageBody": CLOSED_PAGE,
                                },
                            }
                        ],
                    },
                },
                "Rule": {
                    "Type": "AWS::ElasticLoadBalancingV2::ListenerRule",
                    "Properties": {
                        "ListenerArn": {"Ref": "Listener"},
                        "Priority": 10,
                        "Conditions": [
                            {"Field": "path-pattern", "PathPatternConfig": {"Values": ["*"]}}
                        ],
                        "Actions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}],
                    },
                },
            },
            "Outputs": {
                "RuleArn": {"Value": {"Ref": "Rule"}},
                "ListenerArn": {"Value": {"Ref": "Listener"}},
                "LoadBalancerArn": {"Value": {"Ref": "LoadBalancer"}},
                "TargetGroupArn": {"Value": {"Ref": "Targets"}},
                "Host": {"Value": {"Fn::GetAtt": ["LoadBalancer", "DNSName"]}},
            },
        }
    )
