"""From a load balancer to the first window, and how it is used from the command line."""

from rehearsal.steps import CLOSED, OPEN, VISITED, WINDOW, Meanwhile, Typed, Widened

README = [
    Typed("README.md", "aws --version", ("aws-cli/",)),
    Typed("README.md", "LISTENER=", put={"arn:aws:elasticloadbalancing:…": "$LISTENER_ARN"}),
    Typed("README.md", "aws elbv2 describe-listeners --listener-arns", ('"forward"',)),
    Typed("README.md", 'aws elbv2 describe-rules --listener-arn "$LISTENER"', ("default",)),
    Typed("README.md", "GROUP="),
    Typed("docs/RUNBOOK.md", "aws elbv2 describe-listeners --listener-arns"),
    Typed("docs/RUNBOOK.md", "RULE_ARN=", ("arn:aws:elasticloadbalancing:",)),
    Typed("docs/RUNBOOK.md", 'aws elbv2 modify-listener --listener-arn "$LISTENER"'),
    Meanwhile("one target group is the usual", 'aws elbv2 delete-rule --rule-arn "$RULE_ARN"'),
    Typed("README.md", "RULE_ARN=", ("arn:aws:elasticloadbalancing:",)),
    Typed("README.md", 'aws elbv2 modify-listener --listener-arn "$LISTENER" --default-actions \\'),
    Typed("README.md", "curl -sS -o /dev/null -w '%{http_code}\\n' https:", ("200",), VISITED),
    Typed(
        "README.md",
        'aws elbv2 modify-listener --listener-arn "$LISTENER" --default-actions "Type=forward',
    ),
    Typed("README.md", 'aws elbv2 modify-listener --listener-arn "$LISTENER" --default-actions \\'),
    Typed(
        "README.md",
        "aws elbv2 describe-rules --listener-arn LISTENER_ARN",
        ("50000",),
        {"LISTENER_ARN": '"$LISTENER"'},
    ),
    Typed("README.md", "SECRET=$(openssl"),
    Typed("README.md", "aws secretsmanager create-secret", ("maintenance/bypass",)),
    Meanwhile("a release is fetched", "cd downloads"),
    Typed("README.md", "sha256sum --check", ("maintenance-window.yaml: OK",)),
    Typed("README.md", "aws s3 mb", ("make_bucket",), {"BUCKET": "$BUCKET"}),
    Typed("README.md", "aws s3 cp", ("upload:",), {"BUCKET": "$BUCKET"}),
    Typed(
        "README.md",
        "aws cloudformation deploy --stack-name maintenance",
        ("Successfully created",),
        {"=BUCKET": "=$BUCKET", "RULE_ARN": '"$RULE_ARN"'},
    ),
    Meanwhile("they go back", "cd .."),
    Widened("maintenance"),
    Typed("README.md", "mw status", ("The site is open",)),
    Typed("README.md", "mw on --for 45m", ("The site is in maintenance",)),
    CLOSED,
    Typed("README.md", "mw status --expect", ("The site is in maintenance",)),
    Typed("README.md", "mw extend 30m"),
    Typed("README.md", "SECRET=$(aws"),
    Typed("README.md", "curl -sS -o /dev/null -w '%{http_code}\\n' -H", ("200",), VISITED),
    Typed("site/README.md", "curl -H", ("The shop is open.",), VISITED),
    Typed("README.md", "mw off", ("The site is open",)),
    OPEN,
]

MANY = "docs/CLI.md"
SERIES = "sunday-patching"
INVOKE = (
    "aws lambda invoke --function-name maintenance --cli-binary-format raw-in-base64-out "
    "--cli-read-timeout 300 \\\n "
)
COMMAND_LINE = [
    Meanwhile("a release is fetched", "cd downloads"),
    Typed(MANY, "sha256sum --check", ("mw-linux-x86_64.tar.gz: OK",)),
    Typed(MANY, "tar -xzf"),
    Typed(MANY, "sudo install", put={"/usr/local/bin/": '"$HOME"'}),
    Typed(MANY, "mkdir -p"),
    Typed(MANY, "mw completions bash"),
    Typed(MANY, "mw man |", ("mw",), {"man -l -": "cat"}),
    Meanwhile("it is there", '"$HOME/mw" --version; cd ..', ("mw ",)),
    Meanwhile("the zone is set once", "export MW_TIMEZONE=UTC MW_REQUESTED_BY=ana@example.com"),
    Typed(MANY, "mw status [ID]", put={"[ID]": ""}),
    Typed(MANY, "mw check [ID]", put={"[ID]": ""}),
    Typed(MANY, "mw book [ID]", put={"[ID]": WINDOW, "TIME": '"$LATER"'}),
    Typed(MANY, "mw reschedule ID", put={"ID": WINDOW, "TIME": '"$LATEST"'}),
    Typed(MANY, "mw edit ID", put={"ID": WINDOW, "TEXT": "'Another text'"}),
    Typed(MANY, "mw extend 30m [ID]", put={"[ID]": WINDOW}),
    Typed(MANY, "mw extend --until 04:00 [ID]", put={"[ID]": WINDOW, "04:00": '"$END"'}),
    Typed(MANY, "mw cancel [ID]", put={"[ID]": WINDOW}),
    Typed(MANY, "mw on [ID]", put={"[ID]": WINDOW}),
    Typed(MANY, "mw off [ID]", put={"[ID]": WINDOW}),
    Typed(MANY, "mw watch [ID]", ("is over",), {"[ID]": WINDOW}),
    Typed(MANY, "mw history [ID]", (WINDOW,), {"[ID]": WINDOW}),
    Meanwhile(
        "there is a series",
        f"mw book {SERIES} --every 'cron(0 2 ? * SUN *)' --for 2h",
    ),
    Typed(MANY, "mw skip ID", put={"ID": SERIES}),
    Typed(MANY, "mw unskip ID", put={"ID": SERIES}),
    Typed(MANY, "mw pause ID", put={"ID": SERIES}),
    Typed(MANY, "mw resume ID", put={"ID": SERIES}),
    Meanwhile("it ends", f"mw cancel {SERIES}"),
    Typed(MANY, "mw sweep"),
    Meanwhile("a window ends soon", f"mw on {WINDOW} --for 1h; {{ sleep 2; mw off; }} &"),
    Typed(MANY, "mw watch", ("is over",)),
    Typed(MANY, "mw completions SHELL", ("_mw",), {"SHELL": "zsh"}),
    Typed(MANY, "mw man [COMMAND]", ("expect",), {"[COMMAND]": "status"}),
    Typed(MANY, "mw COMMAND --help", ("--for",), {"COMMAND": "on"}),
    Typed(MANY, "mw on --wait", ("ProbeUrl",), code=1),
    Meanwhile(
        "the site is looked at from outside",
        "aws cloudformation deploy --stack-name maintenance "
        "--template-file downloads/maintenance-window.yaml --capabilities CAPABILITY_IAM "
        '--parameter-overrides ProbeUrl="$PROBE_URL"',
    ),
    Widened("maintenance"),
    Meanwhile("a migration", "printf '#!/bin/sh\\n' > migrate.sh; chmod +x migrate.sh; WINDOW=m17"),
    Typed(MANY, "set -e"),
    Typed(MANY, 'mw on "$WINDOW"', ("The site is in maintenance",)),
    CLOSED,
    Typed(MANY, "./migrate.sh"),
    Typed(MANY, 'mw off "$WINDOW"', ("The site is open",)),
    Meanwhile("a shell at a terminal stays", "set +e"),
    Typed(MANY, "mw off --wait"),
    *(
        Typed(MANY, f"{INVOKE} --payload {payload}", ('"status"', '"open"', '"StatusCode": 200'))
        for payload in ("'{", "file:")
    ),
    Meanwhile("what Terraform tells", "terraform() { echo maintenance; }"),
    Typed("terraform/README.md", "aws lambda invoke", ('"check"', '"StatusCode": 200')),
    Typed("terraform/README.md", "export TF_VAR"),
]
