variable "region" {
  description = "The Region of the load balancer and of the function."
  type        = string
}

variable "name" {
  description = "Begins every name: 3 to 20 lower-case letters, digits and hyphens."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name must have 3 to 20 lower-case letters, digits and hyphens, begin with a letter and not end in a hyphen; found \"${var.name}\"."
  }
}

variable "domain_names" {
  description = "The site's public domain names; the first one is probed."
  type        = list(string)

  validation {
    condition     = length(var.domain_names) > 0 && !startswith(try(var.domain_names[0], "*"), "*")
    error_message = "domain_names must begin with a name without an asterisk; found ${length(var.domain_names)} names."
  }
}

variable "edge_certificate_arn" {
  description = "The certificate that CloudFront shows to visitors: in us-east-1, and for all the domain names."
  type        = string

  validation {
    condition     = can(regex("^arn:aws[a-z-]*:acm:us-east-1:[0-9]{12}:certificate/[A-Za-z0-9-]+$", var.edge_certificate_arn))
    error_message = "edge_certificate_arn must be the ARN of a certificate in us-east-1; found \"${var.edge_certificate_arn}\"."
  }
}

variable "load_balancer_certificate_arn" {
  description = "The certificate that the listener shows to CloudFront: in the load balancer's Region, and for all the domain names, because CloudFront forwards the visitor's Host."
  type        = string
}

variable "vpc_id" {
  description = "The VPC of the load balancer and the instances."
  type        = string
}

variable "subnet_ids" {
  description = "Public subnets for the load balancer, in two Availability Zones at least."
  type        = list(string)

  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "subnet_ids must name two subnets at least; found ${length(var.subnet_ids)}."
  }
}

variable "instance_ids" {
  description = "EC2 instances that run the application."
  type        = set(string)
}

variable "instance_port" {
  description = "The port on which the instances serve plain HTTP."
  type        = number
  default     = 80
}

variable "bypass_header_value" {
  description = "The testers' secret: 16 to 128 letters, digits, underscores and hyphens, in lower case, for example from \"openssl rand -hex 24\"."
  type        = string
  sensitive   = true

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{16,128}$", var.bypass_header_value))
    error_message = "bypass_header_value must have 16 to 128 letters, digits, underscores and hyphens; what was given is not shown, because it is secret."
  }
}

variable "package_file" {
  description = "The path of the release's zip for arm64."
  type        = string
}

variable "template_file" {
  description = "The path of the release's plain CloudFormation template."
  type        = string
}

variable "notification_email" {
  description = "An address for the reports."
  type        = string
  default     = ""
}

variable "window" {
  description = "One window to book, or null. The start is UTC, for example 2026-12-06T02:00:00Z, and the duration ISO 8601."
  type = object({
    id       = string
    start    = string
    duration = string
    reason   = string
  })
  default = null

  validation {
    condition     = var.window == null || can(regex("^[A-Za-z0-9._-]{1,40}$", var.window.id))
    error_message = "window.id must have 1 to 40 letters, digits, dots, underscores and hyphens."
  }

  validation {
    condition     = var.window == null || can(timeadd(var.window.start, "0s"))
    error_message = "window.start must be a moment with its offset, such as 2026-12-06T02:00:00Z."
  }
}
