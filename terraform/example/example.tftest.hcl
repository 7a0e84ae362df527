# Plans and "applies" the recipe with made-up answers of AWS; nothing is made. With the real provider:
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

  mock_resource "aws_lb_listener_rule" {
    defaults = {
      arn = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:listener-rule/app/shop/0123456789abcdef/0123456789abcdef/0123456789abcdef"
    }
  }

  mock_resource "aws_s3_bucket" {
    defaults = {
      id                          = "shop-bucket"
      arn                         = "arn:aws:s3:::shop-bucket"
      bucket_regional_domain_name = "shop-bucket.s3.eu-west-1.amazonaws.com"
    }
  }

  mock_resource "aws_secretsmanager_secret" {
    defaults = {
      arn = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop-maintenance-bypass-AbCdEf"
    }
  }

  mock_resource "aws_secretsmanager_secret_version" {
    defaults = {
      version_id = "00000000-0000-0000-0000-000000000000"
    }
  }

  mock_resource "aws_lambda_invocation" {
    defaults = {
      result = "{\"outcome\": \"booked\"}"
    }
  }
}

variables {
  region                        = "eu-west-1"
  name                          = "shop"
  domain_names                  = ["www.example.com", "example.com"]
  edge_certificate_arn          = "arn:aws:acm:us-east-1:123456789012:certificate/00000000-0000-0000-0000-000000000000"
  load_balancer_certificate_arn = "arn:aws:acm:eu-west-1:123456789012:certificate/11111111-1111-1111-1111-111111111111"
  vpc_id                        = "vpc-0123456789abcdef0"
  subnet_ids                    = ["subnet-0123456789abcdef0", "subnet-0fedcba9876543210"]
  instance_ids                  = ["i-0123456789abcdef0"]
  # Any two files: what is in them is not looked at.
  package_file        = "outputs.tf"
  template_file       = "versions.tf"
  bypass_header_value = "0123456789abcdef0123456789abcdef"
}

run "without_a_window_nothing_is_booked" {
  assert {
    condition     = output.booking == null
    error_message = "Something was booked though no window was given."
  }

  assert {
    condition     = one(aws_lb_listener.https.default_action).fixed_response[0].status_code == "503"
    error_message = "The listener's default answer is not 503."
  }

  assert {
    condition = contains([for each in aws_cloudfront_distribution.site.custom_error_response :
      "${each.error_code} ${each.error_caching_min_ttl} ${coalesce(each.response_code, 0)} ${coalesce(each.response_page_path, "-")}"
    ], "503 0 503 /errors/503.html")
    error_message = "The 503 has no page, or CloudFront would keep it."
  }

  assert {
    condition     = alltrue([for each in aws_cloudfront_distribution.site.custom_error_response : each.error_caching_min_ttl == 0])
    error_message = "CloudFront would keep an error."
  }

  assert {
    condition     = aws_s3_object.page["503.html"].cache_control == "no-store" && aws_s3_object.page["503.html"].key == "errors/503.html"
    error_message = "The page is not where CloudFront fetches it, or browsers would keep it."
  }

  assert {
    condition     = aws_s3_object.banner.content_type == "text/javascript; charset=utf-8" && aws_s3_object.banner.key == "errors/banner.js"
    error_message = "The notice for the application's pages is not where CloudFront fetches it, or browsers would not run it."
  }

  assert {
    condition     = length(aws_cloudfront_distribution.site.ordered_cache_behavior) == 5
    error_message = "The bucket does not answer for the pages, the expected end, the feeds and the notice."
  }

  assert {
    condition     = strcontains(aws_cloudfront_function.bypass.code, "'x-maintenance-bypass'") && !strcontains(aws_cloudfront_function.bypass.code, "$${")
    error_message = "The function at the edge does not know the header's name."
  }

  assert {
    condition     = output.function_name == "shop-maintenance"
    error_message = "The module's outputs do not arrive."
  }
}

run "a_window_is_booked_by_the_function" {
  variables {
    window = {
      id       = "database-move"
      start    = "2026-12-06T02:00:00Z"
      duration = "PT2H"
      reason   = "Moving the database to its new home"
    }
  }

  assert {
    condition = jsondecode(aws_lambda_invocation.window[0].input) == {
      action       = "book"
      id           = "database-move"
      start        = "2026-12-06T02:00:00Z"
      duration     = "PT2H"
      reason       = "Moving the database to its new home"
      requested_by = "terraform"
    }
    error_message = "The booking is not the window."
  }

  assert {
    condition     = output.booking.outcome == "booked"
    error_message = "The function's answer is not an output."
  }
}

run "a_start_without_its_offset_is_refused" {
  command = plan

  variables {
    window = {
      id       = "database-move"
      start    = "2026-12-06T02:00"
      duration = "PT2H"
      reason   = "Moving the database to its new home"
    }
  }

  expect_failures = [var.window]
}
