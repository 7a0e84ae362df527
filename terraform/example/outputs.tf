output "distribution_domain_name" {
  description = "Where the site's domain names have to point."
  value       = aws_cloudfront_distribution.site.domain_name
}

output "load_balancer_security_group" {
  description = "The group that the instances have to admit."
  value       = aws_security_group.load_balancer.id
}

output "function_name" {
  description = "The function to invoke."
  value       = module.maintenance.function_name
}

output "topic_arn" {
  description = "The topic that reports go to."
  value       = module.maintenance.topic_arn
}

output "status_command" {
  description = "Shows every window and rule."
  value       = module.maintenance.status_command
}

output "booking" {
  description = "What the function answered to the booking, if there is one."
  value       = one([for invocation in aws_lambda_invocation.window : jsondecode(invocation.result)])
}
