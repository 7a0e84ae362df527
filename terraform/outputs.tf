output "function_name" {
  description = "The function to invoke."
  value       = aws_cloudformation_stack.this.outputs["FunctionName"]
}

output "topic_arn" {
  description = "The topic that reports go to; subscribe whoever should hear."
  value       = aws_cloudformation_stack.this.outputs["TopicArn"]
}

output "table_name" {
  description = "The table with the windows, what their rules had before, and the history; it outlives the stack."
  value       = aws_cloudformation_stack.this.outputs["TableName"]
}

output "schedule_group" {
  description = "The schedule group that holds the wake-ups and the sweep."
  value       = aws_cloudformation_stack.this.outputs["ScheduleGroup"]
}

output "dead_letter_queue_url" {
  description = "The queue of wake-ups that were lost or kept failing; normally empty."
  value       = aws_cloudformation_stack.this.outputs["DeadLetterQueueUrl"]
}

output "log_group_name" {
  description = "Where the function's log is."
  value       = aws_cloudformation_stack.this.outputs["LogGroupName"]
}

output "dashboard_name" {
  description = "The CloudWatch dashboard on which all of it is seen together."
  value       = aws_cloudformation_stack.this.outputs["DashboardName"]
}

output "status_command" {
  description = "Shows every window and rule; other events go in the payload's place."
  value       = aws_cloudformation_stack.this.outputs["StatusCommand"]
}

output "stack_id" {
  description = "The ARN of the stack."
  value       = aws_cloudformation_stack.this.id
}
