# Plans and "applies" the module with made-up answers of AWS; nothing is made. With the real provider:
# terraform init && terraform test

mock_provider "aws" {
  mock_resource "aws_cloudformation_stack" {
    defaults = {
      id = "arn:aws:cloudformation:eu-west-1:123456789012:stack/shop-maintenance/00000000-0000-0000-0000-000000000000"
      outputs = {
        DeadLetterQueueUrl = "https://sqs.eu-west-1.amazonaws.com/123456789012/shop-maintenance-dead-letters"
        StatusCommand      = "aws lambda invoke ..."
      }
    }
  }

  mock_data "aws_s3_bucket" {
    defaults = {
      bucket_regional_domain_name = "shop-artifacts.s3.eu-west-1.amazonaws.com"
    }
  }
}

variables {
  name = "shop-maintenance"
  # Any two files: what is in them is not looked at.
  package_file         = "main.tf"
  template_file        = "outputs.tf"
  artifact_bucket      = "shop-artifacts"
  rule_arns            = ["arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/shop/0123456789abcdef/0123456789abcdef/0123456789abcdef"]
  bypass_header_secret = "maintenance:SecretString:::1"
}

run "the_stack_gets_the_zip_and_every_parameter" {
  variables {
    mute_alarms   = ["shop-5xx", "shop slow"]
    remind_before = ["PT24H", "PT1H"]
  }

  assert {
    condition = aws_cloudformation_stack.this.parameters == tomap({
      CodeBucket            = "shop-artifacts"
      CodeKey               = "shop-maintenance/${filesha256("main.tf")}.zip"
      RuleArns              = var.rule_arns[0]
      BypassHeaderName      = "X-Maintenance-Bypass"
      BypassHeaderValue     = ""
      BypassHeaderSecret    = "maintenance:SecretString:::1"
      BypassHeaderParameter = ""
      NotificationEmail     = ""
      AlarmsTo              = "reports"
      MuteAlarms            = "shop-5xx,shop slow"
      RemindBefore          = "PT24H,PT1H"
      WarnBeforeEnd         = ""
      ProbeUrl              = ""
      ErrorBucket           = ""
      AnnounceBefore        = ""
      MaxDuration           = "PT24H"
      Architecture          = "arm64"
      ConsoleAccount        = ""
      ConsoleMay            = "look"
      LogLevel              = "INFO"
      LogRetentionDays      = "90"
      LogGroupIs            = "new"
      HistoryDays           = "400"
      Tracing               = "PassThrough"
      KmsKeyArn             = ""
      TableIs               = "new"
      Site                  = ""
    })
    error_message = "The stack's parameters are not what the variables say."
  }

  assert {
    condition     = aws_cloudformation_stack.this.template_url == "https://shop-artifacts.s3.eu-west-1.amazonaws.com/shop-maintenance/${filesha256("outputs.tf")}.template"
    error_message = "The stack's template is not the one that was put into the bucket."
  }

  assert {
    condition     = output.function_name == "shop-maintenance" && output.topic_arn == "arn:aws:sns:eu-west-1:123456789012:shop-maintenance"
    error_message = "The outputs do not follow from the stack's name."
  }

  assert {
    condition     = endswith(output.dead_letter_queue_url, "/shop-maintenance-dead-letters")
    error_message = "The queue is not the stack's."
  }
}

run "another_zip_has_another_key" {
  variables {
    package_file = "variables.tf"
  }

  assert {
    condition     = aws_cloudformation_stack.this.parameters["CodeKey"] == "shop-maintenance/${filesha256("variables.tf")}.zip"
    error_message = "CloudFormation would not notice a new zip."
  }
}

run "no_secret_is_refused" {
  command = plan

  variables {
    bypass_header_secret = ""
  }

  expect_failures = [aws_cloudformation_stack.this]
}

run "two_secrets_are_refused" {
  command = plan

  variables {
    bypass_header_value = "0123456789abcdef"
  }

  expect_failures = [aws_cloudformation_stack.this]
}

run "a_value_is_enough" {
  command = plan

  variables {
    bypass_header_secret = ""
    bypass_header_value  = "0123456789abcdef"
  }
}
