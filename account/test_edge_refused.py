"""What the edge's deployment refuses before it changes anything."""

import unittest
from pathlib import Path

import boto3
import moto.settings
from moto.acm.models import acm_backends

from account import edge_stand_in
from account.edge import contents, surroundings, templates
from account.edge.plan import EDGE_TEMPLATE
from account.edge_services import ACCOUNT, REGION
from account.edge_stand_in import LOCK, Refused

SITE = f"arn:aws:elasticloadbalancing:{REGION}:{ACCOUNT}"
NOWHERE = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"


class Parameters(Refused):
    """What was given."""

    def test_every_problem_is_named_at_once(self) -> None:
        said = self.refused(
            "DomainName=www.example.com",
            "ListenerPort=80",
            "ResponseTimeout=121",
            "DisasterCaching=yes",
            "RemindBefore=P10M",
            "WebAclArn=none",
            why="DomainNames is missing",
        )
        for problem in (
            "DomainName is a parameter of neither template; did you mean DomainNames?",
            "DomainNames is missing: The site's public domain names",
            "EdgeCertificateArn is missing",
            "LoadBalancerCertificateArn is missing",
            "VpcId is missing",
            "ListenerPort: expected 443, or a port from 1024 to 65535; found '80'",
            "ResponseTimeout: expected a number from 1 to 120; found '121'",
            "DisasterCaching: expected one of true, false; found 'yes'",
            "RemindBefore: expected ISO 8601 durations",
            "WebAclArn: expected",
        ):
            self.assertIn(problem, said)

    def test_what_does_not_fit_together_is_said_in_the_templates_words(self) -> None:
        instances = {"InstanceIds": "i-0123456789abcdef0"}
        self.but("Give either TargetGroupArn or InstanceIds", **instances)
        self.but("Give either TargetGroupArn or InstanceIds", TargetGroupArn="")
        self.but(
            "Give ExistingLoadBalancerArn and .* or, for a new load balancer, SubnetIds",
            ExistingLoadBalancerArn="",
            VpcId=self.account.vpc,
        )

    def test_what_the_command_says_itself_cannot_be_given(self) -> None:
        for name in ("CodeKey", "BypassHeaderValue", "BypassHeaderSecret", "ErrorBucket"):
            self.but(f"{name} is a parameter of neither", **{name: "a"})

    def test_a_secret_is_taken_from_a_file_only_and_never_repeated(self) -> None:
        said = self.refused(f"OriginLockValue={LOCK}", why="OriginLockValue is a secret")
        self.assertNotIn(LOCK, said)
        file = self.folder / "shop.parameters"
        file.write_text("OriginLockValue=too short for it\n")
        said = self.refused(
            *self.account.parameters(), "--file", str(file), why="OriginLockValue: expected 16 to"
        )
        self.assertNotIn("too short for it", said)
        file.write_text(f"{LOCK}\nResponseTimeout=1\nResponseTimeout=2\n")
        said = self.refused("--file", str(file), why="line 1: expected NAME=VALUE")
        self.assertIn("line 3: ResponseTimeout is given twice", said)
        self.assertNotIn(LOCK, said)
        self.refused("--file", str(self.folder / "none"), why="cannot be read")

    def test_names_that_aws_would_not_take_are_refused(self) -> None:
        for more in (["--function", "a"], ["--function", "a" * 59], ["--function", "a_b"]):
            self.refused(*self.account.parameters(), *more, why="the name 'a")

    def test_what_a_release_carries_has_to_be_there(self) -> None:
        (self.account.package / "maintenance-window-arm64.zip").unlink()
        self.but(
            "expected the function's zip as .*-arm64.zip.* `make executable ARCHITECTURE=arm64`"
        )
        self.but("expected the function's zip as .*-x86_64.zip", Architecture="x86_64")
        (self.account.package / "maintenance-window-arm64.zip").write_bytes(b"no zip")
        self.but("expected the function's zip")
        (self.account.package / "maintenance-window.yaml").unlink()
        self.but("expected the template as .*maintenance-window.yaml")


class Surroundings(Refused):
    """What is in the account."""

    def test_a_certificate_has_to_be_in_its_region_issued_and_for_every_name(self) -> None:
        make = self.account.certificate
        names = edge_stand_in.DOMAINS
        self.but("EdgeCertificateArn: there is no certificate", EdgeCertificateArn=NOWHERE)
        self.but(
            "EdgeCertificateArn: expected the ARN of a certificate in us-east-1",
            EdgeCertificateArn=make(REGION, *names),
        )
        self.but(
            f"LoadBalancerCertificateArn: expected a certificate in {REGION}, found one in us-",
            LoadBalancerCertificateArn=make("us-east-1", *names),
        )
        self.but(
            "EdgeCertificateArn: expected it to name example.com, found www.example.com",
            EdgeCertificateArn=make("us-east-1", "www.example.com"),
        )
        self.but(
            r"LoadBalancerCertificateArn: expected it to name example.com, found \*.example.com",
            LoadBalancerCertificateArn=make(REGION, "*.example.com"),
        )
        self.but(
            "LoadBalancerCertificateArn: expected a certificate of account",
            LoadBalancerCertificateArn=make(REGION, *names).replace(ACCOUNT, "210987654321"),
        )
        self.but(
            "LoadBalancerCertificateArn: .*server-certificate/none cannot be looked at",
            LoadBalancerCertificateArn=f"arn:aws:iam::{ACCOUNT}:server-certificate/none",
        )
        given = self.account.parameters()
        moto.settings.ACM_VALIDATION_WAIT = 3600
        for backend in acm_backends[ACCOUNT].values():
            for certificate in backend._certificates.values():
                certificate.status = "PENDING_VALIDATION"
        said = self.refused(*given, why="EdgeCertificateArn: .* ISSUED, found PENDING_VALIDATION")
        self.assertIn("LoadBalancerCertificateArn: expected", said)

    def test_a_name_of_a_certificate_covers_itself_or_one_label(self) -> None:
        for name, domain, good in (
            ("www.example.com", "www.example.com", True),
            ("WWW.example.com", "www.Example.com", True),
            ("*.example.com", "www.example.com", True),
            ("*.example.com", "example.com", False),
            ("*.example.com", "a.b.example.com", False),
            ("*.example.com", "*.example.com", True),
            ("example.com", "www.example.com", False),
        ):
            with self.subTest(name=name, domain=domain):
                self.assertEqual(surroundings.covers(name, domain), good)

    def test_a_load_balancer_has_to_be_there_and_of_the_right_kind_with_the_port_free(self) -> None:
        inside = self.account.load_balancer("inside", Scheme="internal")
        network = self.account.load_balancer("network", Type="network")
        self.but(
            "ExistingLoadBalancerArn: there is no load balancer",
            ExistingLoadBalancerArn=f"{SITE}:loadbalancer/app/shop/50dc6c495c0c9188",
            ExistingLoadBalancerDnsName="a.example.com",
            VpcId=self.account.vpc,
        )
        self.but("found application, internal", ExistingLoadBalancerArn=inside["LoadBalancerArn"])
        # The template's pattern is faster.
        self.but("expected .*Load Balancer", ExistingLoadBalancerArn=network["LoadBalancerArn"])
        self.but(
            "ExistingLoadBalancerDnsName: expected shop-1",
            ExistingLoadBalancerDnsName="a.example.com",
        )
        self.but("VpcId: expected vpc-", VpcId="vpc-0123456789abcdef0")
        self.account.listen(8443)
        self.but("ListenerPort: expected a port that is free .* found 8443 in use by")

    def test_its_own_listener_is_no_stranger(self) -> None:
        ran = self.account.run(*self.account.parameters())
        self.assertEqual(ran.code, 0)
        listener = self.account.listen(8443)
        made = self.account.cloudformation.stacks["shop-edge"]
        self.refused("ResponseTimeout=40", why="ListenerPort: expected a port that is free")
        made.outputs["ListenerArn"] = listener
        self.assertEqual(self.account.run("ResponseTimeout=40").code, 0)

    def test_a_target_group_serves_one_load_balancer_only(self) -> None:
        self.but(
            "TargetGroupArn: there is no target group",
            TargetGroupArn=f"{SITE}:targetgroup/shop/73e2d6bc24d8a067",
        )
        other = self.account.load_balancer("other")
        self.account.listen(80, other)
        self.but(
            f"one load balancer only, and .* serves {other['LoadBalancerArn']}; give that one as "
            "ExistingLoadBalancerArn"
        )
        self.but(
            "one load balancer only",
            ExistingLoadBalancerArn="",
            VpcId=self.account.vpc,
            SubnetIds=",".join(self.account.subnets),
        )

    def test_a_target_group_is_in_the_vpc_and_speaks_http(self) -> None:
        other = boto3.client("ec2").create_vpc(CidrBlock="10.1.0.0/16")["Vpc"]["VpcId"]
        elsewhere = self.account.target_group("elsewhere", VpcId=other)
        self.but("TargetGroupArn: expected a target group in vpc-", TargetGroupArn=elsewhere)
        tcp = self.account.target_group("tcp", Protocol="TCP")
        self.but("TargetGroupArn: expected HTTP or HTTPS, found TCP", TargetGroupArn=tcp)

    def test_subnets_are_there_in_two_zones_of_the_vpc(self) -> None:
        new = {"ExistingLoadBalancerArn": "", "VpcId": self.account.vpc}
        first = self.account.subnets[0]
        self.but(
            "SubnetIds: .*does not exist", **new, SubnetIds=f"{first},subnet-0123456789abcdef0"
        )
        ec2 = boto3.client("ec2")
        zone = ec2.describe_subnets(SubnetIds=[first])["Subnets"][0]["AvailabilityZone"]
        beside = ec2.create_subnet(
            VpcId=self.account.vpc, CidrBlock="172.31.240.0/20", AvailabilityZone=zone
        )["Subnet"]["SubnetId"]
        self.but(
            f"SubnetIds: expected two zones at least, found only {zone}",
            **new,
            SubnetIds=f"{first},{beside}",
        )
        self.but(
            "SubnetIds: expected some of vpc-0",
            **new | {"VpcId": "vpc-0"},
            SubnetIds=",".join(self.account.subnets),
        )

    def test_a_name_that_another_distribution_has_is_refused_and_its_own_is_not(self) -> None:
        made = edge_stand_in.distribution("WWW.example.com", "shop.example.com")
        self.but(f"DomainNames: www.example.com belongs to the distribution {made}.*EXISTING.md")
        given = self.account.parameters(DomainNames="example.com")
        self.assertEqual(self.account.run(*given).code, 0)
        self.account.cloudformation.stacks["shop-edge"].outputs["DistributionId"] = made
        self.assertEqual(self.account.run(*self.account.parameters()).code, 0)

    def test_an_alarm_topic_is_in_the_stacks_region(self) -> None:
        self.but(
            f"AlarmTopicArn: expected a topic in {REGION}",
            AlarmTopicArn=f"arn:aws:sns:us-east-1:{ACCOUNT}:alarms",
        )

    def test_a_secret_that_cannot_be_used_is_refused_and_not_shown(self) -> None:
        manager = boto3.client("secretsmanager")
        manager.create_secret(Name="shop-maintenance/bypass", SecretString='{"key": "hidden"}')
        said = self.refused(
            *self.account.parameters(), why="secret shop-maintenance/bypass: expected"
        )
        self.assertNotIn("hidden", said)
        manager.delete_secret(SecretId="shop-maintenance/bypass")
        self.but("marked for deletion; restore it .aws secretsmanager restore-secret")
        arn = f"arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:gone-AbCdEf"
        self.refused(*self.account.parameters(), "--secret", arn, why="gone-AbCdEf cannot be read")

    def test_a_table_of_an_earlier_stack_is_not_stumbled_over(self) -> None:
        boto3.client("dynamodb").create_table(
            TableName="shop-maintenance",
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        )
        self.but("the table shop-maintenance of an earlier stack .* TableIs=left")
        self.assertEqual(self.account.run(*self.account.parameters(TableIs="left")).code, 0)

    def test_an_edge_is_not_updated_while_a_rule_is_in_maintenance(self) -> None:
        self.assertEqual(self.account.run(*self.account.parameters()).code, 0)
        self.account.function.state = "closed"
        self.refused(
            "ResponseTimeout=40", why="may open a site in maintenance, and these rules are"
        )
        # What leaves the edge alone goes on, and so does a run that changes nothing.
        self.assertEqual(self.account.run("RemindBefore=PT1H").code, 0)
        self.assertEqual(self.account.run("--yes").code, 0)


class Templates(unittest.TestCase):
    """How templates are read."""

    def test_every_rule_of_both_templates_can_be_made_out(self) -> None:
        for template in (
            templates.Template.read(EDGE_TEMPLATE),
            templates.Template.of(edge_stand_in.PLAIN),
        ):
            for rule in template.document["Rules"].values():
                self.assertEqual(rule.keys(), {"Assertions"})
            template._broken_rules(template.defaults())

    def test_their_texts_come_back_from_cloudformation_as_they_went(self) -> None:
        # It shows a question mark for any other character, and then each run would see a change.
        for text in (EDGE_TEMPLATE.read_text(), edge_stand_in.PLAIN):
            self.assertTrue(text.isascii())

    def test_a_function_that_is_not_known_is_not_guessed(self) -> None:
        with self.assertRaises(ValueError):
            templates._evaluate({"Fn::EachMemberIn": [["a"], ["a"]]}, {})

    def test_the_secret_has_the_form_that_the_edge_takes(self) -> None:
        function = (Path(EDGE_TEMPLATE).parent / "functions" / "bypass.js").read_text()
        self.assertIn("const SECRET = /^[A-Za-z0-9_-]{16,128}$/", function)
        self.assertIn(f"kvs().get('{contents.STORE_KEY}')", function)
        self.assertTrue(contents.VALUE.pattern.startswith("[A-Za-z0-9_-]{16,128}("))


if __name__ == "__main__":
    unittest.main()
