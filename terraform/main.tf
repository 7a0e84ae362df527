# The plain CloudFormation template as a stack, with the zip as its code. The template stays the one source of
# what is deployed: its permissions and alarms are tested there.

data "aws_s3_bucket" "artifacts" {
  bucket = var.artifact_bucket
}

# The key holds the file's hash: a new file has a new key, which CloudFormation notices.
resource "aws_s3_object" "package" {
  bucket = var.artifact_bucket
  key    = "${var.name}/${filesha256(var.package_file)}.zip"
  source = var.package_file
  tags   = var.tags

  # The old zip goes only after the stack was updated: an update that fails rolls back to it.
  lifecycle {
    create_before_destroy = true
  }
}

# By way of S3, because CloudFormation takes at most 51,200 bytes directly.
resource "aws_s3_object" "template" {
  bucket = var.artifact_bucket
  key    = "${var.name}/${filesha256(var.template_file)}.template"
  source = var.template_file
  tags   = var.tags

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudformation_stack" "this" {
  name         = var.name
  template_url = "https://${data.aws_s3_bucket.artifacts.bucket_regional_domain_name}/${aws_s3_object.template.key}"
  capabilities = ["CAPABILITY_IAM"]
  tags         = var.tags

  # Never ignore changes of the parameters: CloudFormation shows a secret one as asterisks, and with
  # ignore_changes the provider would send those asterisks back as its value.
  parameters = merge(local.parameters, {
    CodeBucket = aws_s3_object.package.bucket
    CodeKey    = aws_s3_object.package.key
  })

  lifecycle {
    precondition {
      condition     = local.bypass_sources == 1
      error_message = "Give exactly one of bypass_header_value, bypass_header_secret and bypass_header_parameter; found ${nonsensitive(local.bypass_sources)}."
    }
  }
}
