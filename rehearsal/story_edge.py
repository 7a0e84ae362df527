"""The edge: by one command, by hand, and for a distribution that is there."""

from rehearsal.reader import DOMAINS
from rehearsal.steps import Meanwhile, Typed, Widened

EDGE = "site/README.md"
OWN_EDGE = {
    "DomainNames=www.example.com,example.com": f"DomainNames=hand.{DOMAINS[1]}",
    "arn:aws:acm:us-east-1:123456789012:certificate/…": '"$CERTIFICATE"',
    "arn:aws:acm:eu-west-1:123456789012:certificate/…": '"$CERTIFICATE"',
    "ExistingLoadBalancerArn=arn:aws:elasticloadbalancing:…": 'ExistingLoadBalancerArn="$BALANCER"',
    "shop-1234567890.eu-west-1.elb.amazonaws.com": '"$BALANCER_NAME"',
    "vpc-…": '"$VPC"',
    "TargetGroupArn=arn:aws:elasticloadbalancing:…": 'TargetGroupArn="$TARGETS"',
    "8443": "8444",
    "shop-edge": "hand-edge",
}
BY_HAND = {"shop-edge": "hand-edge"}
EXISTING = "site/EXISTING.md"
PAGE = {"EDFDVBD6EXAMPLE": '"$(edge DistributionId)"'}
THE_EDGE = [
    Typed(
        EDGE, "make edge NAME=shop FILE=shop.parameters ARGS=--dry-run", ("Nothing was changed",)
    ),
    Typed(
        EDGE, "make edge NAME=shop FILE=shop.parameters", ("function  created",), answers="yes\n"
    ),
    Widened("shop-maintenance"),
    Typed(
        EDGE,
        'make edge NAME=shop ARGS="ResponseTimeout=60"',
        ("edge      updated",),
        answers="yes\n",
    ),
    Meanwhile("a release is fetched", "cd downloads; cp ../shop.parameters ."),
    Typed(EDGE, "python3 -m zipfile"),
    Typed(EDGE, "python3 -m account.edge shop --file shop.parameters --dry-run", ("already so",)),
    Typed(
        EDGE,
        "python3 -m account.edge shop --file shop.parameters",
        ("already so",),
        answers="yes\n",
    ),
    Meanwhile("they go back", "cd .."),
    Typed(EDGE, "OLD="),
    Typed(EDGE, "NEW="),
    Typed(EDGE, "aws secretsmanager put-secret-value"),
    Typed(EDGE, "make edge NAME=shop", ("put there",), answers="yes\n"),
    Typed(EDGE, "openssl rand"),
    Typed(EDGE, "SECRET=$(openssl"),
    Typed(EDGE, "aws cloudformation deploy --stack-name shop-edge", ("Successfully",), OWN_EDGE),
    Typed(
        EDGE,
        "sam build",
        ("RuleArns=arn:", "ErrorBucket=", "ProbeUrl=https://"),
        {**BY_HAND, "sam build && ": ""},
    ),
    Typed(EDGE, "edge()", put=BY_HAND),
    Typed(EDGE, 'aws s3 cp site/errors "s3', ("upload: site/errors/503.html",)),
    Typed(EDGE, "aws s3 cp site/errors/banner.js", ("upload: site/errors/banner.js",)),
    Typed(EDGE, "aws cloudfront-keyvaluestore put-key", ("ItemCount",)),
    Typed(EDGE, "aws ec2 describe-managed-prefix-lists", ("PrefixListId",)),
    Typed(
        EDGE, "aws cloudwatch put-metric-alarm", put={"us-east-1:…": "us-east-1:000000000000:topic"}
    ),
    Typed(EXISTING, "aws cloudformation deploy", ("Successfully",), PAGE),
    Typed(EXISTING, "aws cloudformation describe-stacks", ("ErrorBucket", "BypassStore")),
    Meanwhile(
        "its outputs",
        "page() { aws cloudformation describe-stacks --stack-name shop-page --output text "
        "--query \"Stacks[0].Outputs[?OutputKey=='$1'].OutputValue\"; }",
    ),
    Typed(
        EXISTING,
        "make edge-pages",
        ("uploaded", "put there"),
        {
            "shop-page-errorbucket-1x2y3z": '"$(page ErrorBucket)"',
            "arn:aws:cloudfront::123456789012:key-value-store/…": '"$(page BypassStore)"',
        },
        answers="yes\n",
    ),
    Typed(
        EXISTING,
        "python3 -m account.edge.existing",
        ("already so",),
        {"edge.existing": 'edge.existing --dry-run --bucket "$(page ErrorBucket)"'},
    ),
    Typed(
        EXISTING,
        "make edge NAME=shop FILE=shop.parameters",
        ("DomainNames",),
        {"next.example.com": f"next.{DOMAINS[1]}"},
        answers="yes\n",
    ),
    Typed(EXISTING, "aws cloudfront wait", put=PAGE),
    Typed(
        EXISTING,
        "make edge NAME=shop ARGS=",
        ("DomainNames",),
        {
            "www.example.com,example.com": ",".join(DOMAINS),
            "https://www.example.com/": f"https://{DOMAINS[0]}/",
        },
        answers="yes\n",
    ),
]
