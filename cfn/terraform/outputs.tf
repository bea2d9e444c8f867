output "function_arn" {
  value       = aws_cloudformation_stack.provider.outputs.FunctionArn
  description = "ARN of the function."
}

output "topic_arn" {
  value       = aws_cloudformation_stack.operations.outputs.TopicArn
  description = "ARN of the topic that alarms tell."
}

output "target_group_arns" {
  value       = { for name, stack in aws_cloudformation_stack.binding : name => stack.outputs.TargetGroupArn }
  description = "ARN of each binding's target group."
}

output "status_commands" {
  value       = { for name, stack in aws_cloudformation_stack.binding : name => stack.outputs.StatusCommand }
  description = "For each binding the shell command that shows how it is."
}
