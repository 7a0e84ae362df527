# What is deployed.

variable "name" {
  description = "The stack's name, which becomes the name of the function, the table, the topic and the schedule group."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z][A-Za-z0-9-]{2,57}$", var.name))
    error_message = "name must have 3 to 58 letters, digits and hyphens and begin with a letter; found \"${var.name}\"."
  }
}

variable "package_file" {
  description = "The path of the release's zip for the processor that architecture names."
  type        = string
  nullable    = false
}

variable "template_file" {
  description = "The path of the release's plain CloudFormation template, the one without a transform."
  type        = string
  nullable    = false
}

variable "artifact_bucket" {
  description = "The name of a bucket in the stack's Region; the module puts the zip and the template there."
  type        = string
  nullable    = false

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$", var.artifact_bucket))
    error_message = "artifact_bucket must be a bucket's name; found \"${var.artifact_bucket}\"."
  }
}

variable "tags" {
  description = "Tags for the stack, which CloudFormation copies to what it makes, and for the two objects."
  type        = map(string)
  default     = {}
  nullable    = false
}

# The template's parameters, in its order. An empty text means "not used", as it does there. A test holds
# names, defaults and conditions against template.yaml.

variable "rule_arns" {
  description = "ARNs of the listener rules that forward visitors to the application; no other rule is ever touched. About 24 fit into one stack."
  type        = list(string)
  nullable    = false

  validation {
    condition     = length(var.rule_arns) > 0 && length(var.rule_arns) == length(distinct(var.rule_arns))
    error_message = "rule_arns must name one rule at least, and each rule once; found ${length(var.rule_arns)} with ${length(distinct(var.rule_arns))} different."
  }

  validation {
    condition     = alltrue([for arn in var.rule_arns : can(regex("^arn:aws[a-z-]*:elasticloadbalancing:[a-z0-9-]+:[0-9]{12}:listener-rule/app/[A-Za-z0-9-]{1,32}/[0-9a-z]+/[0-9a-z]+/[0-9a-z]+$", arn))])
    error_message = "rule_arns must hold ARNs of an Application Load Balancer's listener rules (arn:aws:elasticloadbalancing:REGION:ACCOUNT:listener-rule/app/NAME/ID/ID/ID); found ${join(", ", var.rule_arns)}."
  }
}

variable "bypass_header_name" {
  description = "The request header that lets a tester through during maintenance."
  type        = string
  default     = "X-Maintenance-Bypass"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9-]{1,40}$", var.bypass_header_name)) && lower(var.bypass_header_name) != "host"
    error_message = "bypass_header_name must have 1 to 40 letters, digits and hyphens, and must not be Host; found \"${var.bypass_header_name}\"."
  }
}

variable "bypass_header_value" {
  description = "The secret value of that header, or two separated by a comma while testers move to a new one. Prefer bypass_header_secret: this value is kept in Terraform's state, and makes every plan show a change (see README.md)."
  type        = string
  default     = ""
  nullable    = false
  sensitive   = true

  validation {
    condition     = can(regex("^([A-Za-z0-9_-]{16,128}(,[A-Za-z0-9_-]{16,128})?)?$", var.bypass_header_value))
    error_message = "bypass_header_value must have 16 to 128 letters, digits, underscores and hyphens, or be two such values separated by a comma; what was given is not shown, because it is secret."
  }
}

variable "bypass_header_secret" {
  description = "The Secrets Manager secret that holds the value instead: its name or ARN, then optionally :SecretString:KEY:STAGE:VERSION_ID. CloudFormation reads it anew only when this text changes, so name the version."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9/_+=.@:-]{1,512})?$", var.bypass_header_secret))
    error_message = "bypass_header_secret must be a secret's name or ARN, optionally followed by :SecretString:KEY:STAGE:VERSION_ID; found \"${var.bypass_header_secret}\"."
  }
}

variable "bypass_header_parameter" {
  description = "The Parameter Store parameter of type String that holds the value instead: its name, and optionally :VERSION."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([A-Za-z0-9/_.-]{1,512}(:[0-9]+)?)?$", var.bypass_header_parameter))
    error_message = "bypass_header_parameter must be a parameter's name, optionally followed by a colon and its version; found \"${var.bypass_header_parameter}\"."
  }
}

variable "notification_email" {
  description = "An address to send the reports to. Whoever reads it has to confirm the subscription."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([^@\\s]+@[^@\\s]+\\.[^@\\s]+)?$", var.notification_email))
    error_message = "notification_email must be an e-mail address or empty; found \"${var.notification_email}\"."
  }
}

variable "alarms_to" {
  description = "Where alarms go: \"reports\" to the topic of the reports, \"own\" to a second topic, or the ARN of a topic of yours in this Region, whose policy has to let CloudWatch publish."
  type        = string
  default     = "reports"
  nullable    = false

  validation {
    condition     = can(regex("^(reports|own|arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256})$", var.alarms_to))
    error_message = "alarms_to must be reports, own, or the ARN of a topic that is not FIFO; found \"${var.alarms_to}\"."
  }
}

variable "mute_alarms" {
  description = "Names of CloudWatch alarms that call nobody while a window goes on; the stack's own are never muted."
  type        = list(string)
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for each in var.mute_alarms : can(regex("^[^,*?$\\s]([^,*?$\\x00-\\x1f]{0,253}[^,*?$\\s])?$", each))])
    error_message = "mute_alarms must hold names of alarms, without commas, asterisks, question marks, dollar signs or blanks around them; found ${jsonencode(var.mute_alarms)}."
  }
}

variable "remind_before" {
  description = "How long before a start to remind: ISO 8601 durations, for example [\"PT24H\", \"PT1H\"]."
  type        = list(string)
  default     = []
  nullable    = false

  # Terraform's expressions cannot look ahead, so "not zero" and "nothing ends in T" stand apart.
  validation {
    condition = alltrue([for each in var.remind_before : alltrue([
      can(regex("^P([0-9]{1,3}W)?([0-9]{1,3}D)?(T([0-9]{1,5}H)?([0-9]{1,6}M)?([0-9]{1,6}S)?)?$", each)),
      can(regex("[1-9]", each)),
      can(regex("[WDHMS]$", each)),
    ])])
    error_message = "remind_before must hold ISO 8601 durations such as PT24H; minutes come after a T (PT10M), and months and years have no fixed length; found ${join(", ", var.remind_before)}."
  }
}

variable "warn_before_end" {
  description = "How long before an end to warn, as an ISO 8601 duration, for example PT10M."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition = var.warn_before_end == "" || alltrue([
      can(regex("^P([0-9]{1,3}W)?([0-9]{1,3}D)?(T([0-9]{1,5}H)?([0-9]{1,6}M)?([0-9]{1,6}S)?)?$", var.warn_before_end)),
      can(regex("[1-9]", var.warn_before_end)),
      can(regex("[WDHMS]$", var.warn_before_end)),
    ])
    error_message = "warn_before_end must be one ISO 8601 duration such as PT10M (minutes come after a T), or empty; found \"${var.warn_before_end}\"."
  }
}

variable "probe_url" {
  description = "The site's public URL, asked as a visitor and as a tester to see each change take effect."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(https?://([A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?\\.)*[A-Za-z]([A-Za-z0-9-]*[A-Za-z0-9])?(:([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5]))?([/?][^\\s#]*)?)?$", var.probe_url))
    error_message = "probe_url must be a URL such as https://www.example.com/ or empty; found \"${var.probe_url}\"."
  }
}

variable "error_bucket" {
  description = "The bucket of the error pages, where errors/window.json tells visitors the expected end."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])?$", var.error_bucket))
    error_message = "error_bucket must be a bucket's name or empty; found \"${var.error_bucket}\"."
  }
}

variable "announce_before" {
  description = "How long before a start windows with a message are announced to visitors and calendars, in error_bucket, as an ISO 8601 duration, for example PT72H."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition = var.announce_before == "" || alltrue([
      can(regex("^P([0-9]{1,3}W)?([0-9]{1,3}D)?(T([0-9]{1,5}H)?([0-9]{1,6}M)?([0-9]{1,6}S)?)?$", var.announce_before)),
      can(regex("[1-9]", var.announce_before)),
      can(regex("[WDHMS]$", var.announce_before)),
    ])
    error_message = "announce_before must be one ISO 8601 duration such as PT72H, or empty; found \"${var.announce_before}\"."
  }
}

variable "max_duration" {
  description = "The longest window that may be booked, as an ISO 8601 duration."
  type        = string
  default     = "PT24H"
  nullable    = false

  validation {
    condition = var.max_duration == "" || alltrue([
      can(regex("^P([0-9]{1,3}W)?([0-9]{1,3}D)?(T([0-9]{1,5}H)?([0-9]{1,6}M)?([0-9]{1,6}S)?)?$", var.max_duration)),
      can(regex("[1-9]", var.max_duration)),
      can(regex("[WDHMS]$", var.max_duration)),
    ])
    error_message = "max_duration must be one ISO 8601 duration such as PT24H, or empty for a day; found \"${var.max_duration}\"."
  }
}

variable "architecture" {
  description = "The processor that the zip was built for."
  type        = string
  default     = "arm64"
  nullable    = false

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "architecture must be arm64 or x86_64; found \"${var.architecture}\"."
  }
}

variable "log_level" {
  description = "The least severe log line kept. Nothing above INFO: the metrics are log lines."
  type        = string
  default     = "INFO"
  nullable    = false

  validation {
    condition     = contains(["DEBUG", "INFO"], var.log_level)
    error_message = "log_level must be DEBUG or INFO; found \"${var.log_level}\"."
  }
}

variable "log_retention_days" {
  description = "For how many days logs are kept."
  type        = number
  default     = 90
  nullable    = false

  validation {
    condition     = contains([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653], var.log_retention_days)
    error_message = "log_retention_days must be a number of days that CloudWatch Logs knows, for example 30, 90 or 365; found ${var.log_retention_days}."
  }
}

variable "console_account" {
  description = "Another account of yours whose dashboards may show this site's console: twelve digits; or empty for none."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^([0-9]{12})?$", var.console_account))
    error_message = "console_account must be an AWS account's twelve digits, or nothing; found \"${var.console_account}\"."
  }
}

variable "console_may" {
  description = "What that account may do: \"look\", by the alias that only looks; or \"act\" too, which is all that the function can do."
  type        = string
  default     = "look"
  nullable    = false

  validation {
    condition     = contains(["look", "act"], var.console_may)
    error_message = "console_may must be look or act; found \"${var.console_may}\"."
  }
}

variable "log_group_is" {
  description = "\"new\" to delete the log group with the stack, \"kept\" to leave it behind then, \"left\" if a deleted stack left it behind. \"new\" cannot be changed later without losing the log."
  type        = string
  default     = "new"
  nullable    = false

  validation {
    condition     = contains(["new", "kept", "left"], var.log_group_is)
    error_message = "log_group_is must be new, kept or left; found \"${var.log_group_is}\"."
  }
}

variable "history_days" {
  description = "For how many days windows that are over stay in the table; 1 to 9999."
  type        = number
  default     = 400
  nullable    = false

  validation {
    condition     = can(regex("^[1-9][0-9]{0,3}$", tostring(var.history_days)))
    error_message = "history_days must be a whole number of days from 1 to 9999; found ${var.history_days}."
  }
}

variable "tracing" {
  description = "Whether X-Ray traces every run (Active) or only those that arrive with a sampled trace (PassThrough)."
  type        = string
  default     = "PassThrough"
  nullable    = false

  validation {
    condition     = contains(["PassThrough", "Active"], var.tracing)
    error_message = "tracing must be PassThrough or Active; found \"${var.tracing}\"."
  }
}

variable "kms_key_arn" {
  description = "A customer managed KMS key for the topic and the dead-letter queue. Its policy has to let CloudWatch use it; see docs/SECURITY.md."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^(arn:aws[a-z-]*:kms:[a-z0-9-]+:[0-9]{12}:key/[A-Za-z0-9-]+)?$", var.kms_key_arn))
    error_message = "kms_key_arn must be the ARN of a key, not of an alias, or empty; found \"${var.kms_key_arn}\"."
  }
}

variable "table_is" {
  description = "\"left\" to deploy a deleted stack again over the table that it left."
  type        = string
  default     = "new"
  nullable    = false

  validation {
    condition     = contains(["new", "left"], var.table_is)
    error_message = "table_is must be new or left; found \"${var.table_is}\"."
  }
}

variable "site" {
  description = "The value of the tag \"Site\" on everything that can be tagged; empty for the stack's name."
  type        = string
  default     = ""
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9 _.:/=+@-]{0,256}$", var.site))
    error_message = "site must have at most 256 letters, digits, spaces and any of _ . : / = + @ -; found \"${var.site}\"."
  }
}
