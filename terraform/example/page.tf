# What the distribution needs besides itself: the error pages, in a bucket that only it reads, and the
# testers' link. For a distribution of your own take this file as it is; site/EXISTING.md tells the rest.

resource "aws_s3_bucket" "errors" {
  bucket_prefix = "${var.name}-errors-"
}

resource "aws_s3_bucket_public_access_block" "errors" {
  bucket                  = aws_s3_bucket.errors.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

locals {
  # The addresses that the bucket answers for, and what the answers say of themselves.
  errors_headers = {
    "/errors/*.html"          = aws_cloudfront_response_headers_policy.errors.id
    "/errors/window.json"     = aws_cloudfront_response_headers_policy.errors.id
    "/errors/upcoming.json"   = aws_cloudfront_response_headers_policy.feeds.id
    "/errors/maintenance.ics" = aws_cloudfront_response_headers_policy.feeds.id
    "/errors/banner.js"       = aws_cloudfront_response_headers_policy.feeds.id
  }
}

# The pages of this repository. errors/window.json, upcoming.json and maintenance.ics in the same bucket are the
# function's, not Terraform's.
resource "aws_s3_object" "page" {
  for_each = fileset("${path.module}/../../site/errors", "*.html")

  bucket       = aws_s3_bucket.errors.id
  key          = "errors/${each.value}"
  source       = "${path.module}/../../site/errors/${each.value}"
  source_hash  = filesha256("${path.module}/../../site/errors/${each.value}")
  content_type = "text/html; charset=utf-8"
  # So that no browser keeps the page in place of the site.
  cache_control = "no-store"
}

# The notice of planned maintenance, for the application's own pages.
resource "aws_s3_object" "banner" {
  bucket        = aws_s3_bucket.errors.id
  key           = "errors/banner.js"
  source        = "${path.module}/../../site/errors/banner.js"
  source_hash   = filesha256("${path.module}/../../site/errors/banner.js")
  content_type  = "text/javascript; charset=utf-8"
  cache_control = "public, max-age=3600"
}

resource "aws_s3_bucket_policy" "errors" {
  bucket = aws_s3_bucket.errors.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid       = "ThisDistributionReads"
        Effect    = "Allow"
        Principal = { Service = "cloudfront.amazonaws.com" }
        Action    = "s3:GetObject"
        Resource  = "${aws_s3_bucket.errors.arn}/errors/*"
        Condition = { StringEquals = { "AWS:SourceArn" = aws_cloudfront_distribution.site.arn } }
      },
      {
        Sid       = "NothingInTheClear"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [aws_s3_bucket.errors.arn, "${aws_s3_bucket.errors.arn}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ]
  })

  depends_on = [aws_s3_bucket_public_access_block.errors]
}

resource "aws_cloudfront_origin_access_control" "errors" {
  name                              = "${var.name}-errors"
  origin_access_control_origin_type = "s3"
  signing_behavior                  = "always"
  signing_protocol                  = "sigv4"
}

# The second spares the bucket a crowd; the longest TTL also bounds how long an error of the bucket may live.
resource "aws_cloudfront_cache_policy" "errors" {
  name        = "${var.name}-errors"
  comment     = "Error pages and the expected end, shared for a moment."
  min_ttl     = 1
  default_ttl = 1
  max_ttl     = 5

  parameters_in_cache_key_and_forwarded_to_origin {
    enable_accept_encoding_brotli = true
    enable_accept_encoding_gzip   = true

    cookies_config {
      cookie_behavior = "none"
    }

    headers_config {
      header_behavior = "none"
    }

    query_strings_config {
      query_string_behavior = "none"
    }
  }
}

resource "aws_cloudfront_response_headers_policy" "errors" {
  name    = "${var.name}-errors"
  comment = "What every error page says of itself."

  custom_headers_config {
    # The load balancer's fixed answer cannot say when to ask again.
    items {
      header   = "Retry-After"
      value    = "300"
      override = true
    }

    items {
      header   = "X-Robots-Tag"
      value    = "noindex"
      override = true
    }
  }

  security_headers_config {
    content_type_options {
      override = true
    }

    # The site's own frames show the page too.
    frame_options {
      frame_option = "SAMEORIGIN"
      override     = true
    }

    referrer_policy {
      referrer_policy = "no-referrer"
      override        = true
    }
  }
}

# What announces maintenance is no error, and pages of other sites may read it.
resource "aws_cloudfront_response_headers_policy" "feeds" {
  name    = "${var.name}-feeds"
  comment = "What the feeds of planned maintenance say of themselves."

  cors_config {
    access_control_allow_credentials = false
    origin_override                  = true

    access_control_allow_headers {
      items = ["*"]
    }

    access_control_allow_methods {
      items = ["GET", "HEAD"]
    }

    access_control_allow_origins {
      items = ["*"]
    }
  }

  custom_headers_config {
    items {
      header   = "X-Robots-Tag"
      value    = "noindex"
      override = true
    }
  }

  security_headers_config {
    content_type_options {
      override = true
    }
  }
}

# The testers' link (?maintenance-bypass=SECRET). The secret is in the store, not in the function's code.

resource "aws_cloudfront_key_value_store" "bypass" {
  name    = "${var.name}-bypass"
  comment = "The secret of the maintenance bypass, under the key secrets."
}

resource "aws_cloudfrontkeyvaluestore_key" "secrets" {
  key_value_store_arn = aws_cloudfront_key_value_store.bypass.arn
  key                 = "secrets"
  value               = var.bypass_header_value
}

resource "aws_cloudfront_function" "bypass" {
  name                         = "${var.name}-bypass"
  comment                      = "Lets testers through maintenance."
  runtime                      = "cloudfront-js-2.0"
  publish                      = true
  key_value_store_associations = [aws_cloudfront_key_value_store.bypass.arn]
  code                         = replace(file("${path.module}/../../site/functions/bypass.js"), "$${BypassHeaderName}", local.bypass_header_name)
}
