# Names follow from the stack's name, and are told from that rather than from the stack's outputs: with any change of
# the stack the provider calls all of its outputs unknown, and whatever refers to one, such as a subscription to the
# topic or a booking, would be planned anew.

locals {
  # arn, partition, cloudformation, Region, account, ...
  stack_arn = split(":", aws_cloudformation_stack.this.id)
}

output "function_name" {
  description = "The function to invoke."
  value       = aws_cloudformation_stack.this.name
}

output "topic_arn" {
  description = "The topic that reports go to; subscribe whoever should hear."
  value       = "arn:${local.stack_arn[1]}:sns:${local.stack_arn[3]}:${local.stack_arn[4]}:${aws_cloudformation_stack.this.name}"
}

output "table_name" {
  description = "The table with the windows, what their rules had before, and the history; it outlives the stack."
  value       = aws_cloudformation_stack.this.name
}

output "schedule_group" {
  description = "The schedule group that holds the wake-ups and the sweep."
  value       = aws_cloudformation_stack.this.name
}

output "log_group_name" {
  description = "Where the function's log is."
  value       = "/aws/lambda/${aws_cloudformation_stack.this.name}"
}

output "dashboard_name" {
  description = "The CloudWatch dashboard on which all of it is seen together."
  value       = aws_cloudformation_stack.this.name
}

output "dead_letter_queue_url" {
  description = "The queue of wake-ups that were lost or kept failing; normally empty."
  value       = aws_cloudformation_stack.this.outputs["DeadLetterQueueUrl"]
}

output "status_command" {
  description = "Shows every window and rule; other events go in the payload's place."
  value       = aws_cloudformation_stack.this.outputs["StatusCommand"]
}

output "stack_id" {
  description = "The ARN of the stack."
  value       = aws_cloudformation_stack.this.id
}
