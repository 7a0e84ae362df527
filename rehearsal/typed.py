"""Types the documents' commands, in order, as a reader would, on a local AWS of its own."""

import contextlib
import datetime
import hashlib
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path

from samtranslator.yaml_helper import yaml_parse

from rehearsal import documents, permissions, shop
from rehearsal.deployment import package
from rehearsal.door import Door
from rehearsal.local_aws import LocalAws
from rehearsal.options import PROJECT
from rehearsal.reader import DOMAINS, Reader, clone, environment, tools
from rehearsal.steps import Meanwhile, Step, Widened
from rehearsal.stories import STORIES
from release import archive, assemble, plain

Claim = tuple[str, list[str]]


def prove(bootstrap: Path, program: Path) -> Iterator[Claim]:
    """Claims, each with what was found against it."""
    try:
        yield from _prove(bootstrap, program)
    except RuntimeError as error:
        yield "the documents' commands can be typed", [str(error)]


def _prove(bootstrap: Path, program: Path) -> Iterator[Claim]:
    with contextlib.ExitStack() as running:
        aws = LocalAws(PROJECT / ".rehearsal")
        running.callback(aws.discard)
        running.enter_context(aws)
        application = running.enter_context(shop.Application())
        site = Site(aws, application)
        door = running.enter_context(Door(aws.port, site.host))
        reader = running.enter_context(site.reader(bootstrap, program, door))
        for document, story in STORIES.items():
            found: list[str] = []
            reader.type(f"set +e; cd {reader.folder}")
            for step in story:
                found += site.step(reader, step)
                # Later ones only fail for want of it.
                if found:
                    break
            yield f"the commands of {document} work as they are typed", found


class Site:
    """A load balancer whose listener forwards everything, and what a reader has besides."""

    def __init__(self, aws: LocalAws, application: shop.Application) -> None:
        self.aws = aws
        self.balancer, self.group = shop.balance(application, aws, "typed")
        listener = aws.client("elbv2").create_listener(
            LoadBalancerArn=self.balancer["LoadBalancerArn"],
            Protocol="HTTP",
            Port=80,
            DefaultActions=[{"Type": "forward", "TargetGroupArn": self.group}],
        )["Listeners"][0]
        self.listener = listener["ListenerArn"]
        self.address = ""

    def host(self, asked: str) -> str:
        """What the local AWS is to read for a host: it knows the site by its load balancer."""
        return self.balancer["DNSName"] if asked in (self.address, "www.example.com") else asked

    def reader(self, bootstrap: Path, program: Path, door: Door) -> Reader:
        """Somebody at a shell, in a clone, with a release in the folder `downloads`."""
        self.address = f"localhost:{door.port}"
        desk = self.aws.directory / "reader"
        folder, home = desk / "clone", desk / "home"
        for one in (folder, home):
            one.mkdir(parents=True)
        clone(folder)
        tools(desk / "bin", program)
        release(folder, folder / "downloads", bootstrap, program)
        self.parameters(folder / "shop.parameters")
        later = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=1)
        known = {
            "LISTENER_ARN": self.listener,
            "BALANCER": self.balancer["LoadBalancerArn"],
            "BALANCER_NAME": self.balancer["DNSName"],
            "VPC": self.balancer["VpcId"],
            "TARGETS": self.group,
            "CERTIFICATE": self.certificate,
            "BUCKET": "typed-code",
            "PROBE_URL": f"http://{self.address}/",
            "LATER": f"{later:%Y-%m-%dT12:00}",
            "LATEST": f"{later:%Y-%m-%dT13:00}",
            "END": f"{later:%Y-%m-%dT17:00}",
        }
        return Reader(folder, environment(self.aws, home, desk / "bin", door.address) | known)

    def parameters(self, file: Path) -> None:
        """The file that the edge's README shows, filled in."""
        (block,) = (
            block
            for block in documents.blocks()
            if (block.document, block.language) == ("site/README.md", "properties")
        )
        names = [*DOMAINS, f"next.{DOMAINS[1]}"]
        self.certificate = self.aws.client("acm").request_certificate(
            DomainName=names[0], SubjectAlternativeNames=names[1:]
        )["CertificateArn"]
        values = {
            "DomainNames": ",".join(DOMAINS),
            "EdgeCertificateArn": self.certificate,
            "LoadBalancerCertificateArn": self.certificate,
            "ExistingLoadBalancerArn": self.balancer["LoadBalancerArn"],
            "TargetGroupArn": self.group,
        }
        lines = []
        for line in block.text.splitlines():
            name, _, shown = line.partition("=")
            lines.append(f"{name}={values.get(name, shown)}")
        file.write_text("\n".join(lines) + "\n", encoding="utf-8")

    def step(self, reader: Reader, step: Step) -> list[str]:
        """Carries out one step; returns what was not as it should be."""
        if isinstance(step, Widened):
            self.widen(step.stack)
            return []
        if isinstance(step, Meanwhile):
            ran = reader.type(step.bash)
            return [f"{step.why}: {one}" for one in ran.against(0, *step.says)]
        try:
            command = documents.the_one(step.document, step.begins)
        except documents.UnreadableError as error:
            return [str(error)]
        text = command.text
        for place, value in step.put.items():
            if place not in text:
                return [f"{command}: holds no {place!r} to fill; see rehearsal/story_*.py"]
            text = text.replace(place, value)
        ran = reader.type(text, step.answers)
        return [f"{command}\n{one}" for one in ran.against(step.code, *step.says)]

    def widen(self, stack: str) -> None:
        """Lets the stack's function work here under its own role."""
        role = self.aws.client("cloudformation").describe_stack_resource(
            StackName=stack, LogicalResourceId="FunctionRole"
        )["StackResourceDetail"]["PhysicalResourceId"]
        permissions.widen(self.aws, role)


def release(project: Path, folder: Path, bootstrap: Path, program: Path) -> None:
    """What a release carries, as far as it is of use here; what was compiled is for this machine.

    The function's zip lies also where `make executable` would put it.
    """
    names = [
        f"{assemble.NAME}-arm64.zip",
        "mw-linux-x86_64.tar.gz",
        assemble.TEMPLATE,
        assemble.EDGE,
    ]
    function, command, template, edge = (folder / name for name in names)
    folder.mkdir()
    function.write_bytes(package(bootstrap))
    with tarfile.open(command, "w:gz", compresslevel=1) as packed:
        packed.add(program, f"{command.name.removesuffix('.tar.gz')}/mw")
    source = yaml_parse((project / "template.yaml").read_text(encoding="utf-8"))
    template.write_text(plain.written(plain.plain(source)), encoding="utf-8")
    archive.write(edge, assemble.edge(project))
    sums = [f"{hashlib.sha256((folder / one).read_bytes()).hexdigest()}  {one}" for one in names]
    (folder / assemble.CHECKSUMS).write_text("\n".join(sums) + "\n", encoding="utf-8")
    built = project / "target" / "package"
    built.mkdir(parents=True)
    shutil.copy(function, built)
