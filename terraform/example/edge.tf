# The distribution. What it takes from page.tf, one of your own takes too.

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

  # These and no more, so that an application's own /errors/... stays the application's.
  dynamic "ordered_cache_behavior" {
    for_each = local.errors_headers

    content {
      path_pattern               = ordered_cache_behavior.key
      target_origin_id           = "errors"
      viewer_protocol_policy     = "redirect-to-https"
      allowed_methods            = ["GET", "HEAD"]
      cached_methods             = ["GET", "HEAD"]
      compress                   = true
      cache_policy_id            = aws_cloudfront_cache_policy.errors.id
      response_headers_policy_id = ordered_cache_behavior.value
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
  depends_on = [aws_s3_object.page, aws_s3_object.banner]
}
