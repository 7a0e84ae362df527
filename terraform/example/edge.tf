# The error pages, in a bucket that only the distribution reads.

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

# The pages of this repository. errors/window.json in the same bucket is the function's, not Terraform's.
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

    frame_options {
      frame_option = "DENY"
      override     = true
    }

    referrer_policy {
      referrer_policy = "no-referrer"
      override        = true
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

# CloudFront's own policies: nothing that the application answers is kept, and all that the visitor sends
# reaches it. So what a tester gets is never a visitor's next answer, nor the other way round.

data "aws_cloudfront_cache_policy" "nothing_kept" {
  name = "Managed-CachingDisabled"
}

data "aws_cloudfront_origin_request_policy" "all_forwarded" {
  name = "Managed-AllViewer"
}

resource "aws_cloudfront_distribution" "site" {
  enabled         = true
  comment         = var.name
  aliases         = var.domain_names
  http_version    = "http2and3"
  is_ipv6_enabled = true

  viewer_certificate {
    acm_certificate_arn      = var.edge_certificate_arn
    ssl_support_method       = "sni-only"
    minimum_protocol_version = "TLSv1.2_2021"
  }

  restrictions {
    geo_restriction {
      restriction_type = "none"
    }
  }

  origin {
    origin_id   = "application"
    domain_name = aws_lb.site.dns_name

    custom_origin_config {
      origin_protocol_policy = "https-only"
      origin_ssl_protocols   = ["TLSv1.2"]
      http_port              = 80
      https_port             = 443
    }
  }

  origin {
    origin_id                = "errors"
    domain_name              = aws_s3_bucket.errors.bucket_regional_domain_name
    origin_access_control_id = aws_cloudfront_origin_access_control.errors.id
  }

  default_cache_behavior {
    target_origin_id         = "application"
    viewer_protocol_policy   = "redirect-to-https"
    allowed_methods          = ["GET", "HEAD", "OPTIONS", "PUT", "POST", "PATCH", "DELETE"]
    cached_methods           = ["GET", "HEAD"]
    cache_policy_id          = data.aws_cloudfront_cache_policy.nothing_kept.id
    origin_request_policy_id = data.aws_cloudfront_origin_request_policy.all_forwarded.id

    function_association {
      event_type   = "viewer-request"
      function_arn = aws_cloudfront_function.bypass.arn
    }
  }

  # These two and no more, so that an application's own /errors/... stays the application's.
  dynamic "ordered_cache_behavior" {
    for_each = ["errors/*.html", "errors/window.json"]

    content {
      path_pattern               = ordered_cache_behavior.value
      target_origin_id           = "errors"
      viewer_protocol_policy     = "redirect-to-https"
      allowed_methods            = ["GET", "HEAD"]
      cached_methods             = ["GET", "HEAD"]
      compress                   = true
      cache_policy_id            = aws_cloudfront_cache_policy.errors.id
      response_headers_policy_id = aws_cloudfront_response_headers_policy.errors.id
    }
  }

  # The status stays 503: robots and monitors have to see the truth.
  custom_error_response {
    error_code            = 503
    error_caching_min_ttl = 0
    response_code         = 503
    response_page_path    = "/errors/503.html"
  }

  # CloudFront keeps every other error for ten seconds too, unless it is listed with nought; a tester's 500
  # would reach visitors, and a visitor's error testers.
  dynamic "custom_error_response" {
    for_each = [400, 403, 404, 405, 414, 416, 500, 501, 502, 504]

    content {
      error_code            = custom_error_response.value
      error_caching_min_ttl = 0
    }
  }

  # A page that is not there yet would show visitors the bucket's own 403.
  depends_on = [aws_s3_object.page]
}
