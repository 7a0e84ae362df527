locals {
  # In lower case, as HTTP/2 sends it.
  bypass_header_name = "x-maintenance-bypass"
}

# The secret for the function, by reference: the stack's parameters then hold no secret, and a new value has a
# new version, by which CloudFormation notices it.

resource "aws_secretsmanager_secret" "bypass" {
  name_prefix = "${var.name}-maintenance-bypass-"
  description = "What testers send in ${local.bypass_header_name} during maintenance."
}

resource "aws_secretsmanager_secret_version" "bypass" {
  secret_id     = aws_secretsmanager_secret.bypass.id
  secret_string = var.bypass_header_value

  # The old version loses its label only after the stack has read the new one.
  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_s3_bucket" "artifacts" {
  bucket_prefix = "${var.name}-artifacts-"
}

resource "aws_s3_bucket_public_access_block" "artifacts" {
  bucket                  = aws_s3_bucket.artifacts.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

module "maintenance" {
  source = "../"

  name                 = "${var.name}-maintenance"
  package_file         = var.package_file
  template_file        = var.template_file
  artifact_bucket      = aws_s3_bucket.artifacts.id
  rule_arns            = [aws_lb_listener_rule.application.arn]
  bypass_header_name   = local.bypass_header_name
  bypass_header_secret = "${aws_secretsmanager_secret.bypass.arn}:SecretString:::${aws_secretsmanager_secret_version.bypass.version_id}"
  notification_email   = var.notification_email
  remind_before        = ["PT24H", "PT1H"]
  warn_before_end      = "PT10M"
  probe_url            = "https://${var.domain_names[0]}/"
  error_bucket         = aws_s3_bucket.errors.id
  tags                 = { Site = var.name }
}

# One window, booked by the apply that first sees it. Terraform invokes again only when the input changes, and
# the same booking sent again is the same window. README.md says how to move or drop it, and why this is no
# schedule of EventBridge.
resource "aws_lambda_invocation" "window" {
  count = var.window == null ? 0 : 1

  function_name = module.maintenance.function_name
  input = jsonencode({
    action       = "book"
    id           = var.window.id
    start        = var.window.start
    duration     = var.window.duration
    reason       = var.window.reason
    requested_by = "terraform"
  })

  # The whole path has to be there before a window can begin.
  depends_on = [
    module.maintenance,
    aws_cloudfront_distribution.site,
    aws_cloudfrontkeyvaluestore_key.secrets,
    aws_s3_bucket_policy.errors,
  ]
}
