# Deploys the function, its bindings and their alarms by the CloudFormation templates in the folder above: a binding is
# a custom resource, and only CloudFormation can wait for one, roll it back and pass on its errors.

# The key contains the package's hash because CloudFormation deploys new code only when the key changes. The former
# package is deleted last, so that a stack that rolls back still finds it.
resource "aws_s3_object" "package" {
  bucket = var.code_bucket
  key    = "alb-nlb-binding/${substr(filesha256(var.package), 0, 16)}.zip"
  source = var.package

  lifecycle {
    create_before_destroy = true
  }
}

resource "aws_cloudformation_stack" "provider" {
  name          = "alb-nlb-binding"
  template_body = file("${path.module}/../provider.yaml")
  capabilities  = ["CAPABILITY_IAM"]

  parameters = {
    CodeBucket   = aws_s3_object.package.bucket
    CodeKey      = aws_s3_object.package.key
    Architecture = var.architecture
  }
}

resource "aws_cloudformation_stack" "operations" {
  name          = "alb-nlb-binding-operations"
  template_body = file("${path.module}/../operations.yaml")

  parameters = {
    FunctionName = element(split(":", aws_cloudformation_stack.provider.outputs.FunctionArn), 6)
    TopicArn     = var.topic_arn
  }
}

resource "aws_cloudformation_stack" "binding" {
  for_each = var.bindings

  name          = "${each.key}-binding"
  template_body = file("${path.module}/../binding.yaml")

  parameters = {
    ProviderStack = aws_cloudformation_stack.provider.name
    AlbArn        = each.value.alb_arn
    NlbArn        = each.value.nlb_arn
    Port          = each.value.port
  }
}

resource "aws_cloudformation_stack" "alarms" {
  for_each = var.bindings

  name          = "${each.key}-alarms"
  template_body = file("${path.module}/../alarms.yaml")

  parameters = {
    LoadBalancerName = split("/", each.value.alb_arn)[2]
    NlbArn           = each.value.nlb_arn
    TargetGroupArn   = aws_cloudformation_stack.binding[each.key].outputs.TargetGroupArn
    TopicArn         = aws_cloudformation_stack.operations.outputs.TopicArn
  }
}
