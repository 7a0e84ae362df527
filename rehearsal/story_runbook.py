"""The runbook: reopening by hand, what is lost, a new secret, and the end of a stack."""

from rehearsal.steps import OPEN, WINDOW, Meanwhile, Typed, Widened

FIRST_AID = "docs/RUNBOOK.md"
WITHOUT_TABLE = (
    "aws dynamodb update-table --table-name maintenance --no-deletion-protection-enabled && "
    "aws dynamodb delete-table --table-name maintenance"
)
# A subscriber like a mailbox, which keeps the token of what it is sent.
POSTMAN = """
cat > postman.py <<'END'
import http.server, json, pathlib
class Post(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        pathlib.Path("token").write_text(sent["Token"])
        self.send_response(200)
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", 0), Post)
pathlib.Path("postbox").write_text(f"http://127.0.0.1:{server.server_port}/")
server.handle_request()
END
python3 postman.py &
until [ -s postbox ]; do sleep 0.1; done
aws sns subscribe --topic-arn "$(output TopicArn)" --protocol http \\
  --notification-endpoint "$(cat postbox)"
wait
"""
DEMANDED = (
    "aws lambda get-function-configuration --function-name maintenance "
    "--query Environment.Variables.BYPASS_HEADER_VALUE --output text"
)
RUNBOOK = [
    Meanwhile("there are several stacks by now", "export MW_FUNCTION=maintenance"),
    Meanwhile("a window is active", f"mw on {WINDOW} --for 1h"),
    Typed(FIRST_AID, "aws lambda put-function-concurrency"),
    Typed(FIRST_AID, "aws dynamodb query", ("path-pattern",)),
    Typed(
        FIRST_AID,
        "aws elbv2 describe-rules",
        ("X-Maintenance-Bypass",),
        {"RULE_ARN": '"$RULE_ARN"'},
    ),
    Typed(FIRST_AID, "aws elbv2 modify-rule", put={"RULE_ARN": '"$RULE_ARN"'}),
    OPEN,
    Typed(FIRST_AID, "aws dynamodb delete-item"),
    Typed(FIRST_AID, "aws lambda delete-function-concurrency"),
    Meanwhile("it stays open", "mw sweep && mw status --expect open"),
    Typed(FIRST_AID, "aws cloudformation describe-stacks", ("DeadLetterQueueUrl", "TopicArn")),
    Meanwhile(
        "an output",
        "output() { aws cloudformation describe-stacks --stack-name maintenance --output text "
        "--query \"Stacks[0].Outputs[?OutputKey=='$1'].OutputValue\"; }",
    ),
    Meanwhile(
        "a letter is dead",
        'aws sqs send-message --queue-url "$(output DeadLetterQueueUrl)" --message-body hello',
    ),
    Typed(
        FIRST_AID,
        "aws sqs receive-message",
        ("hello",),
        {"QUEUE_URL": '"$(output DeadLetterQueueUrl)"'},
    ),
    Typed(FIRST_AID, "aws sqs purge-queue", put={"QUEUE_URL": '"$(output DeadLetterQueueUrl)"'}),
    Meanwhile("the group is gone", "aws scheduler delete-schedule-group --name maintenance"),
    Typed(FIRST_AID, "aws scheduler create-schedule-group"),
    Typed(
        FIRST_AID, "aws lambda get-function-configuration", ("FunctionArn", "SCHEDULER_ROLE_ARN")
    ),
    Meanwhile(
        "both of them",
        "FUNCTION_ARN=$(aws lambda get-function --function-name maintenance "
        "--query Configuration.FunctionArn --output text); "
        "ROLE_ARN=$(aws lambda get-function-configuration --function-name maintenance "
        "--query Environment.Variables.SCHEDULER_ROLE_ARN --output text)",
    ),
    Typed(
        FIRST_AID,
        "aws scheduler create-schedule --group-name",
        ("maintenance-sweep",),
        {"FUNCTION_ARN": "'\"$FUNCTION_ARN\"'", "ROLE_ARN": "'\"$ROLE_ARN\"'"},
    ),
    Meanwhile(
        "the table is gone, and AWS keeps a backup",
        "BACKUP_ARN=$(aws dynamodb create-backup --table-name maintenance --backup-name kept "
        f"--query BackupDetails.BackupArn --output text) && {WITHOUT_TABLE}",
    ),
    Typed(FIRST_AID, "aws dynamodb list-backups", ("BackupArn",)),
    Typed(FIRST_AID, "aws dynamodb restore-table-from-backup", put={"BACKUP_ARN": '"$BACKUP_ARN"'}),
    Typed(FIRST_AID, "aws dynamodb wait table-exists"),
    Typed(FIRST_AID, "aws dynamodb update-table --table-name maintenance --deletion", ("true",)),
    Typed(FIRST_AID, "aws dynamodb update-time-to-live", ("expires",)),
    Typed(FIRST_AID, "aws dynamodb update-continuous-backups", ("ENABLED",)),
    Meanwhile("it works on", "mw history", ("were found",)),
    Typed(FIRST_AID, "aws dynamodb restore-table-to-point-in-time", ("maintenance-then",)),
    Meanwhile("nothing can be restored", WITHOUT_TABLE),
    Typed(FIRST_AID, "aws dynamodb create-table"),
    Meanwhile("it works on", "mw sweep && mw status --expect open"),
    Typed(FIRST_AID, "aws cloudformation update-termination-protection", ("maintenance",)),
    Typed(
        FIRST_AID,
        "aws sns list-subscriptions-by-topic",
        ("ops@example.com",),
        {"TOPIC_ARN": '"$(output TopicArn)"'},
    ),
    Meanwhile(
        "who hears",
        'SUBSCRIPTION_ARN=$(aws sns list-subscriptions-by-topic --topic-arn "$(output TopicArn)" '
        "--query 'Subscriptions[0].SubscriptionArn' --output text)",
    ),
    Typed(
        FIRST_AID,
        "aws sns get-subscription-attributes",
        put={"SUBSCRIPTION_ARN": '"$SUBSCRIPTION_ARN"'},
    ),
    Meanwhile("a mail with a token came", POSTMAN),
    Typed(
        FIRST_AID,
        "aws sns confirm-subscription",
        ("SubscriptionArn",),
        {"TOPIC_ARN": '"$(output TopicArn)"', "TOKEN": '"$(cat token)"'},
    ),
    Meanwhile("a release is fetched", "cd downloads"),
    Typed(FIRST_AID, "OLD="),
    Typed(FIRST_AID, "NEW="),
    Typed(FIRST_AID, "VERSION="),
    Typed(FIRST_AID, "aws cloudformation deploy", ("Successfully",)),
    Meanwhile("the function has both", f"{DEMANDED} | tr -cd , | wc -c", ("1",)),
    Meanwhile("they go back", "cd .."),
    Typed(FIRST_AID, "make undeploy STACK=maintenance", ("maintenance is gone",)),
    Meanwhile("a release is fetched", "cd downloads"),
    Meanwhile(
        "the stack is deployed over the table that it left",
        "aws cloudformation deploy --stack-name maintenance "
        "--template-file maintenance-window.yaml --capabilities CAPABILITY_IAM "
        '--parameter-overrides "CodeBucket=$BUCKET" "RuleArns=$RULE_ARN" TableIs=left '
        "CodeKey=0.1.0/maintenance-window-arm64.zip "
        "BypassHeaderSecret=maintenance/bypass:SecretString",
    ),
    Widened("maintenance"),
    Typed(FIRST_AID, "python3 -m account.undeploy", ("maintenance is gone",)),
    Meanwhile("they go back", "cd .."),
    Typed(FIRST_AID, "aws dynamodb update-table --table-name maintenance --no-deletion"),
    Typed(FIRST_AID, "aws dynamodb delete-table"),
    Typed(
        FIRST_AID,
        "make undeploy STACK=maintenance HISTORY=delete",
        ("its table with the history",),
        {"STACK=maintenance": "STACK=shop-maintenance"},
    ),
]
