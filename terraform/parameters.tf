# Apart from the resources, so that it can be evaluated without the provider.

locals {
  # CloudFormation takes texts only. Each parameter is always given, so that what the variables say holds.
  parameters = {
    RuleArns              = join(",", var.rule_arns)
    BypassHeaderName      = var.bypass_header_name
    BypassHeaderValue     = var.bypass_header_value
    BypassHeaderSecret    = var.bypass_header_secret
    BypassHeaderParameter = var.bypass_header_parameter
    NotificationEmail     = var.notification_email
    AlarmsTo              = var.alarms_to
    MuteAlarms            = join(",", var.mute_alarms)
    RemindBefore          = join(",", var.remind_before)
    WarnBeforeEnd         = var.warn_before_end
    ProbeUrl              = var.probe_url
    ErrorBucket           = var.error_bucket
    AnnounceBefore        = var.announce_before
    MaxDuration           = var.max_duration
    Architecture          = var.architecture
    ConsoleAccount        = var.console_account
    ConsoleMay            = var.console_may
    LogLevel              = var.log_level
    LogRetentionDays      = tostring(var.log_retention_days)
    LogGroupIs            = var.log_group_is
    HistoryDays           = tostring(var.history_days)
    Tracing               = var.tracing
    KmsKeyArn             = var.kms_key_arn
    TableIs               = var.table_is
    Site                  = var.site
  }

  # As the template's rule "BypassSecretGivenOnce".
  bypass_sources = (var.bypass_header_value != "" ? 1 : 0) + (var.bypass_header_secret != "" ? 1 : 0) + (var.bypass_header_parameter != "" ? 1 : 0)
}
