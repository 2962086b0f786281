locals {
  # Of this installation alone: a project may have others. Logging's words for one of several, and PromQL's.
  logged = join(" OR ", [for job in keys(var.jobs) : "\"${job}\""])
  jobs   = "job_name=~\"${join("|", keys(var.jobs))}\""

  # FinishDataset logs its report as one line of JSON; Dataflow keeps the line in jsonPayload.message.
  line   = "resource.type=\"dataflow_step\" AND jsonPayload.message=~\"^Report of run .*\\\"run_id\\\":\""
  report = "${local.line} AND resource.labels.job_name=(${local.logged})"

  # As PromQL names the metrics below. Their descriptors may come minutes after them, and Dataflow's own with the first
  # job, so that conditions of this kind are asked not to look for them.
  metrics = "logging_googleapis_com:user_${replace(var.name, "-", "_")}"
}

resource "google_monitoring_notification_channel" "email" {
  for_each = toset(var.emails)

  type         = "email"
  display_name = "${var.name}: ${each.value}"
  labels       = { email_address = each.value }
  user_labels  = var.labels
}

locals {
  channels = [for channel in google_monitoring_notification_channel.email : channel.id]
}

# Figures of runs/…/report.json, from the report's line in the log.

resource "google_logging_metric" "runs" {
  count = length(var.jobs) == 0 ? 0 : 1

  name        = "${var.name}/runs"
  description = "Runs that came to their end, by whether they succeeded."
  filter      = local.report

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "INT64"

    labels {
      key         = "succeeded"
      value_type  = "STRING"
      description = "true, or false for a run that failed its own checks."
    }
  }

  label_extractors = {
    succeeded = "REGEXP_EXTRACT(jsonPayload.message, \"\\\"succeeded\\\":(true|false)\")"
  }
}

resource "google_logging_metric" "failure_ratio" {
  count = length(var.jobs) == 0 ? 0 : 1

  name            = "${var.name}/failure_ratio"
  description     = "Part of a run's images that failed."
  filter          = local.report
  value_extractor = "REGEXP_EXTRACT(jsonPayload.message, \"\\\"failure_ratio\\\":([0-9.eE+-]+)\")"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "1"
  }

  # For charts; the alert reckons with the sum, which is exact.
  bucket_options {
    linear_buckets {
      offset             = 0
      width              = 0.001
      num_finite_buckets = 100
    }
  }
}

resource "google_logging_metric" "busy_ratio" {
  count = length(var.jobs) == 0 ? 0 : 1

  name            = "${var.name}/device_busy_ratio"
  description     = "Part of a run's working time in which its devices worked; runs that had nothing to draw are left out."
  filter          = "${local.report} AND NOT jsonPayload.message=~\"\\\"batches\\\":0,\""
  value_extractor = "REGEXP_EXTRACT(jsonPayload.message, \"\\\"device_busy_ratio\\\":([0-9.eE+-]+)\")"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "1"
  }

  bucket_options {
    linear_buckets {
      offset             = 0
      width              = 0.01
      num_finite_buckets = 100
    }
  }
}

resource "google_logging_metric" "rejected" {
  count = length(var.jobs) == 0 ? 0 : 1

  name            = "${var.name}/rejected"
  description     = "Records of a run's input that could not be used."
  filter          = local.report
  value_extractor = "REGEXP_EXTRACT(jsonPayload.message, \"\\\"rejected\\\":([0-9]+)\")"

  metric_descriptor {
    metric_kind = "DELTA"
    value_type  = "DISTRIBUTION"
    unit        = "1"
  }

  bucket_options {
    exponential_buckets {
      scale              = 1
      growth_factor      = 2
      num_finite_buckets = 32
    }
  }
}

locals {
  # A run's own figure: a job logs one, and has its own series, so that sum by number is the figure.
  figure = {
    for metric in ["failure_ratio", "device_busy_ratio"] : metric => join(" / ", [
      for part in ["sum", "count"] :
      "increase(${local.metrics}_${metric}_${part}{monitored_resource=\"dataflow_step\", ${local.jobs}}[15m])"
    ])
  }
}

resource "google_monitoring_alert_policy" "report" {
  count = length(var.jobs) == 0 ? 0 : 1

  display_name          = "${var.name}: a run's figures are bad"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = "more than ${var.failure_ratio} of the images failed"

    condition_prometheus_query_language {
      query                     = "${local.figure["failure_ratio"]} > ${var.failure_ratio}"
      duration                  = "0s"
      evaluation_interval       = "300s"
      rule_group                = var.name
      alert_rule                = "RunFailedImages"
      disable_metric_validation = true
    }
  }

  conditions {
    display_name = "the devices worked for less than ${var.busy_ratio} of the time"

    condition_prometheus_query_language {
      query                     = "${local.figure["device_busy_ratio"]} < ${var.busy_ratio}"
      duration                  = "0s"
      evaluation_interval       = "300s"
      rule_group                = var.name
      alert_rule                = "RunIdleDevices"
      disable_metric_validation = true
    }
  }

  conditions {
    display_name = "records of the input were rejected"

    condition_prometheus_query_language {
      query                     = "increase(${local.metrics}_rejected_sum{monitored_resource=\"dataflow_step\", ${local.jobs}}[15m]) > 0"
      duration                  = "0s"
      evaluation_interval       = "300s"
      rule_group                = var.name
      alert_rule                = "RunRejectedRecords"
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = <<-EOT
      A run ended with figures that should be looked at. They stand in `runs/<runId>/report.json` of its dataset.
      Failed images: `error_class` in the manifest says why; `mode=retry-failed` tries them again.
      Idle devices: `stages` in the report says what they waited for.
      Rejected records: `rejected/` has file, line and reason.
    EOT
  }

  alert_strategy {
    auto_close = "86400s"
  }
}

# What Dataflow itself knows of the jobs.

resource "google_monitoring_alert_policy" "failed" {
  count = length(var.jobs) == 0 ? 0 : 1

  display_name          = "${var.name}: a job failed"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = "a Dataflow job failed"

    condition_prometheus_query_language {
      # It is said for a while when a job has ended, and not for long.
      query                     = "max_over_time(dataflow_googleapis_com:job_is_failed{monitored_resource=\"dataflow_job\", ${local.jobs}}[15m]) > 0"
      duration                  = "0s"
      evaluation_interval       = "300s"
      rule_group                = var.name
      alert_rule                = "JobFailed"
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = <<-EOT
      The job's page in Dataflow has its log; the last error says what was wanted, what was found, and what to do. A job that
      failed before it drew has its messages in the launcher's log. What was complete stays: launch it again and it goes on.
    EOT
  }

  alert_strategy {
    auto_close = "86400s"
  }
}

resource "google_monitoring_alert_policy" "long" {
  for_each = var.jobs

  display_name          = "${var.name}: ${each.key} runs for more than ${each.value.longest_hours} h"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = "the job has run for more than ${each.value.longest_hours} h"

    condition_prometheus_query_language {
      query = join("", [
        "max by (job_name) (dataflow_googleapis_com:job_elapsed_time{monitored_resource=\"dataflow_job\", job_name=\"${each.key}\"})",
        " > ${each.value.longest_hours * 60 * 60}",
      ])
      duration                  = "0s"
      evaluation_interval       = "300s"
      rule_group                = var.name
      alert_rule                = "JobRunsLong"
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "It is paid for as long as it runs. Cancelled, it loses what it had drawn of incomplete shards and nothing else; launched again, it goes on."
  }

  alert_strategy {
    auto_close = "86400s"
  }
}

# While a job runs: its counters, which know each shard as it ends, long before there is a report.

locals {
  counter = "dataflow_googleapis_com:job_user_counter{monitored_resource=\"dataflow_job\", ${local.jobs}"
  failed  = "max by (job_name) (${local.counter}, metric_name=\"failed\"})"
  drawn   = "max by (job_name) (${local.counter}, metric_name=\"images\"})"
}

resource "google_monitoring_alert_policy" "failing" {
  count = length(var.jobs) == 0 ? 0 : 1

  display_name          = "${var.name}: images fail"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = "more than ${var.failure_ratio} of the images so far failed"

    condition_prometheus_query_language {
      # A counter is not there before it counts: of a job whose images all fail, "images" is missing.
      query               = "${local.failed} > ${var.failure_ratio} * (${local.drawn} + ${local.failed} or ${local.failed})"
      duration            = "600s"
      evaluation_interval = "300s"
      rule_group          = var.name
      alert_rule          = "ImagesFail"

      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "The job goes on, and fails at its end if more than `maxFailureRatio` of its images failed. Its workers' log names example and cause of each."
  }

  alert_strategy {
    auto_close = "86400s"
  }
}

# Nothing failed because nothing was launched, the launcher did not start, or a job hangs: all look like this.
resource "google_monitoring_alert_policy" "missing" {
  for_each = { for name, job in var.jobs : name => job.expected_hours if job.expected_hours > 0 }

  display_name          = "${var.name}: no finished ${each.key} for ${each.value} h"
  combiner              = "OR"
  severity              = "ERROR"
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = "no run succeeded for ${each.value} h"

    # A condition of absence sees 23.5 hours at most, less than a night and a day.
    condition_prometheus_query_language {
      query = join("", [
        "(sum(increase(${local.metrics}_runs",
        "{monitored_resource=\"dataflow_step\", job_name=\"${each.key}\", succeeded=\"true\"}[${each.value}h])) or vector(0)) < 0.5",
      ])
      duration                  = "0s"
      evaluation_interval       = "900s"
      rule_group                = var.name
      alert_rule                = "NoDataset"
      disable_metric_validation = true
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "Look at the schedule's last answer (`gcloud scheduler jobs describe ${each.key} --location=${var.region}`), then at the launcher's log, then at the job. A new dataset raises this until its first run has ended."
  }
}

resource "google_monitoring_alert_policy" "refused" {
  count = length(var.jobs) == 0 ? 0 : 1

  display_name          = "${var.name}: a launch was refused"
  combiner              = "OR"
  severity              = "WARNING"
  notification_channels = local.channels
  user_labels           = var.labels

  conditions {
    display_name = "Cloud Scheduler could not launch a job"

    condition_matched_log {
      filter           = "resource.type=\"cloud_scheduler_job\" AND severity>=ERROR AND resource.labels.job_id=(${local.logged})"
      label_extractors = { dataset = "EXTRACT(resource.labels.job_id)" }
    }
  }

  documentation {
    mime_type = "text/markdown"
    content   = "409 says that the last job of that name still runs: it takes longer than the schedule's interval. 403 names the role that is missing; 400 the parameter that the template refuses."
  }

  # Log-based policies must say how often they may write.
  alert_strategy {
    auto_close = "86400s"

    notification_rate_limit {
      period = "3600s"
    }
  }
}
