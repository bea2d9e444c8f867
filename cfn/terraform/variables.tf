variable "code_bucket" {
  type        = string
  description = "Name of an S3 bucket, in this Region, for the packaged function."
}

variable "package" {
  type        = string
  default     = "../../target/lambda/alb-nlb-binding/bootstrap.zip"
  description = "Path of the packaged function, where `make package` puts it by default."
}

variable "architecture" {
  type        = string
  default     = "x86_64"
  description = "Processor architecture that the package was built for, x86_64 or arm64."
}

variable "topic_arn" {
  type        = string
  default     = ""
  description = "ARN of the SNS topic that alarms tell. Empty makes one for all."
}

variable "bindings" {
  type = map(object({
    alb_arn = string
    nlb_arn = string
    port    = number
  }))
  default     = {}
  description = "What to bind, by a name for each that stacks may have."
}
