# Who may connect: CloudFront, and nobody else.

data "aws_ec2_managed_prefix_list" "cloudfront" {
  name = "com.amazonaws.global.cloudfront.origin-facing"
}

resource "aws_security_group" "load_balancer" {
  name        = "${var.name}-load-balancer"
  description = "The load balancer of ${var.name}"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "cloudfront" {
  security_group_id = aws_security_group.load_balancer.id
  description       = "CloudFront"
  ip_protocol       = "tcp"
  from_port         = 443
  to_port           = 443
  prefix_list_id    = data.aws_ec2_managed_prefix_list.cloudfront.id
}

resource "aws_vpc_security_group_egress_rule" "targets" {
  security_group_id = aws_security_group.load_balancer.id
  description       = "The targets"
  ip_protocol       = "tcp"
  from_port         = var.instance_port
  to_port           = var.instance_port
  cidr_ipv4         = "0.0.0.0/0"
}

resource "aws_lb" "site" {
  name                       = var.name
  load_balancer_type         = "application"
  internal                   = false
  subnets                    = var.subnet_ids
  security_groups            = [aws_security_group.load_balancer.id]
  drop_invalid_header_fields = true
}

# The application. The instances' own security group has to admit the load balancer's.

resource "aws_lb_target_group" "application" {
  name        = var.name
  vpc_id      = var.vpc_id
  target_type = "instance"
  protocol    = "HTTP"
  port        = var.instance_port

  health_check {
    path = "/"
  }
}

resource "aws_lb_target_group_attachment" "application" {
  for_each = var.instance_ids

  target_group_arn = aws_lb_target_group.application.arn
  target_id        = each.value
}

# What no rule forwards is in maintenance. CloudFront puts the friendly page in this answer's place.
resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.site.arn
  protocol          = "HTTPS"
  port              = 443
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  certificate_arn   = var.load_balancer_certificate_arn

  default_action {
    type = "fixed-response"

    fixed_response {
      status_code  = "503"
      content_type = "text/plain"
      message_body = "Down for maintenance. Please try again later."
    }
  }
}

# The rule that the function closes to visitors and opens again. It must be the only rule that serves them.
resource "aws_lb_listener_rule" "application" {
  listener_arn = aws_lb_listener.https.arn
  priority     = 100

  condition {
    path_pattern {
      values = ["*"]
    }
  }

  action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.application.arn
  }

  # Essential: during a window the function has a condition more in this rule. Without this line any apply in
  # that time would take the condition away and let visitors in. README.md says why it is safe.
  lifecycle {
    ignore_changes = [condition]
  }
}
