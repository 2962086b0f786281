# Roles on buckets, repository and secret are granted where those are made.

resource "google_service_account" "worker" {
  account_id   = "${var.name}-worker"
  display_name = "Shardlight workers"
  description  = "Launcher and worker machines of Dataflow jobs run as this."
}

resource "google_service_account" "launcher" {
  account_id   = "${var.name}-launcher"
  display_name = "Shardlight launcher"
  description  = "Cloud Scheduler launches Dataflow jobs as this."
}

# Dataflow's service speaks to workers through this role, which exists on projects only.
resource "google_project_iam_member" "worker_dataflow" {
  project = var.project_id
  role    = "roles/dataflow.worker"
  member  = google_service_account.worker.member
}

resource "google_project_iam_member" "launcher_dataflow" {
  project = var.project_id
  role    = "roles/dataflow.developer"
  member  = google_service_account.launcher.member
}

# Who launches a job must be allowed to act as its workers: as these and no others.
resource "google_service_account_iam_member" "launcher_as_worker" {
  service_account_id = google_service_account.worker.name
  role               = "roles/iam.serviceAccountUser"
  member             = google_service_account.launcher.member
}

resource "google_project_iam_member" "operator_dataflow" {
  for_each = toset(var.operators)

  project = var.project_id
  role    = "roles/dataflow.developer"
  member  = each.value
}

resource "google_project_iam_member" "operator_schedule" {
  for_each = toset(var.operators)

  project = var.project_id
  role    = "roles/cloudscheduler.jobRunner"
  member  = each.value
}

# The role above starts schedules, and does not show them.
resource "google_project_iam_member" "operator_schedules" {
  for_each = toset(var.operators)

  project = var.project_id
  role    = "roles/cloudscheduler.viewer"
  member  = each.value
}

resource "google_project_iam_member" "operator_logs" {
  for_each = toset(var.operators)

  project = var.project_id
  role    = "roles/logging.viewer"
  member  = each.value
}

resource "google_project_iam_member" "operator_metrics" {
  for_each = toset(var.operators)

  project = var.project_id
  role    = "roles/monitoring.viewer"
  member  = each.value
}

resource "google_service_account_iam_member" "operator_as_worker" {
  for_each = toset(var.operators)

  service_account_id = google_service_account.worker.name
  role               = "roles/iam.serviceAccountUser"
  member             = each.value
}
