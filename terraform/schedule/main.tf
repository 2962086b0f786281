locals {
  worker = local.workers[var.worker]
  image  = "${var.image_repository}/shardlight-${local.worker.image}:${var.release}"

  # Options of generate, by their names. A dataset's own come last.
  parameters = merge(
    # Fails at once on a machine without its accelerator, instead of drawing for days on the CPU.
    { deviceKind = local.worker.device_kind },
    local.worker.accelerator == null ? {} : {
      accelerator  = local.worker.accelerator
      compileCache = "${var.staging_folder}/programs"
    },
    var.hub_token_secret == null ? {} : { hfTokenSecret = var.hub_token_secret },
    var.parameters,
  )

  environment = {
    serviceAccountEmail   = var.worker_email
    subnetwork            = var.subnetwork
    ipConfiguration       = "WORKER_IP_PRIVATE"
    tempLocation          = "${var.staging_folder}/temp"
    stagingLocation       = "${var.staging_folder}/staging"
    sdkContainerImage     = local.image
    machineType           = local.worker.machine_type
    launcherMachineType   = "e2-standard-2"
    diskSizeGb            = local.worker.disk_gb
    numWorkers            = 1
    maxWorkers            = var.max_workers
    workerZone            = var.worker_zone
    additionalUserLabels  = merge(var.labels, { dataset = var.dataset })
    additionalExperiments = ["use_runner_v2"]
  }

  request = {
    launchParameter = {
      # Fixed: while a job of this name runs, another launch is answered with 409 and starts nothing.
      jobName              = var.job_name
      containerSpecGcsPath = "${var.template_folder}/shardlight-${local.worker.image}-${var.release}.json"
      parameters           = local.parameters
      environment          = { for key, value in local.environment : key => value if value != null }
    }
  }
}

resource "google_cloud_scheduler_job" "this" {
  name             = var.job_name
  description      = "Launches the Dataflow job ${var.job_name}."
  region           = var.region
  schedule         = var.schedule
  time_zone        = var.time_zone
  paused           = var.paused
  attempt_deadline = "320s"

  # A launch whose answer was lost is tried again, and then answered with 409: there is still one job.
  retry_config {
    retry_count          = 3
    min_backoff_duration = "60s"
    max_backoff_duration = "600s"
  }

  http_target {
    http_method = "POST"
    uri         = "https://dataflow.googleapis.com/v1b3/projects/${var.project_id}/locations/${var.region}/flexTemplates:launch"
    headers     = { "Content-Type" = "application/json" }
    body        = base64encode(jsonencode(local.request))

    # Google's own APIs take OAuth tokens, and not OIDC's.
    oauth_token {
      service_account_email = var.launcher_email
      scope                 = "https://www.googleapis.com/auth/cloud-platform"
    }
  }
}
