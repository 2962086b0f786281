# A bucket for each set of people that may write: roles are granted on buckets, and on nothing smaller.

locals {
  # delete: prefixes whose objects go after so many days; versions_days: when replaced objects go.
  buckets = {
    # Written by people, who make mistakes: what was there before stays for a while.
    prompts = {
      versions_days    = 90
      soft_delete_days = var.soft_delete_days
      delete           = []
    }
    # Objects are created once and never replaced, so versions would only keep what mode=overwrite erases.
    datasets = {
      versions_days    = null
      soft_delete_days = var.soft_delete_days
      delete           = var.dataset_days == null ? [] : [{ prefix = "", days = var.dataset_days }]
    }
    # Models and template specs, by release. Versions bring back a spec that was written over.
    artifacts = {
      versions_days    = 90
      soft_delete_days = var.soft_delete_days
      delete           = []
    }
    # Nothing in here is the only copy. Restorable deletions would cost more than the files. No job runs for 21 days.
    # Of staging/ only what each launch writes anew: the template's jar is named by its content, uploaded once, and
    # found there by every launch of its release, so that one of any age may have workers that still have to fetch it.
    staging = {
      versions_days    = null
      soft_delete_days = 0
      delete = [
        { prefix = "temp/", days = 21 },
        { prefix = "staging/pipeline-", days = 60 },
        { prefix = "staging/template_launches/", days = 60 },
        { prefix = "programs/", days = 180 },
      ]
    }
  }
}

resource "google_storage_bucket" "this" {
  for_each = local.buckets

  name                        = "${var.project_id}-${var.name}-${each.key}"
  location                    = var.location
  storage_class               = "STANDARD"
  uniform_bucket_level_access = true
  public_access_prevention    = "enforced"
  force_destroy               = false

  versioning {
    enabled = each.value.versions_days != null
  }

  soft_delete_policy {
    retention_duration_seconds = each.value.soft_delete_days * 24 * 60 * 60
  }

  # Parts of uploads that were broken off are invisible, and paid for.
  lifecycle_rule {
    action {
      type = "AbortIncompleteMultipartUpload"
    }

    condition {
      age = 7
    }
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.versions_days == null ? [] : [each.value.versions_days]

    content {
      action {
        type = "Delete"
      }

      condition {
        days_since_noncurrent_time = lifecycle_rule.value
        with_state                 = "ARCHIVED"
      }
    }
  }

  dynamic "lifecycle_rule" {
    for_each = each.value.delete

    content {
      action {
        type = "Delete"
      }

      condition {
        age            = lifecycle_rule.value.days
        matches_prefix = lifecycle_rule.value.prefix == "" ? null : [lifecycle_rule.value.prefix]
      }
    }
  }
}

resource "google_storage_bucket_iam_member" "worker_prompts" {
  bucket = google_storage_bucket.this["prompts"].name
  role   = "roles/storage.objectViewer"
  member = var.worker_member
}

resource "google_storage_bucket_iam_member" "worker_datasets" {
  bucket = google_storage_bucket.this["datasets"].name
  role   = "roles/storage.objectUser"
  member = var.worker_member
}

resource "google_storage_bucket_iam_member" "worker_artifacts" {
  bucket = google_storage_bucket.this["artifacts"].name
  role   = "roles/storage.objectViewer"
  member = var.worker_member
}

resource "google_storage_bucket_iam_member" "worker_staging" {
  bucket = google_storage_bucket.this["staging"].name
  role   = "roles/storage.objectUser"
  member = var.worker_member
}

# flexTemplates:launch reads the spec as its caller.
resource "google_storage_bucket_iam_member" "launcher_artifacts" {
  bucket = google_storage_bucket.this["artifacts"].name
  role   = "roles/storage.objectViewer"
  member = var.launcher_member
}

resource "google_storage_bucket_iam_member" "prompt_writers" {
  for_each = toset(var.prompt_writers)

  bucket = google_storage_bucket.this["prompts"].name
  role   = "roles/storage.objectUser"
  member = each.value
}

resource "google_storage_bucket_iam_member" "dataset_readers" {
  for_each = toset(var.dataset_readers)

  bucket = google_storage_bucket.this["datasets"].name
  role   = "roles/storage.objectViewer"
  member = each.value
}

# runs/ with its reports, rejected/, and manifests that name each failure's class. Readers have the role already.
resource "google_storage_bucket_iam_member" "operator_datasets" {
  for_each = setsubtract(var.operators, var.dataset_readers)

  bucket = google_storage_bucket.this["datasets"].name
  role   = "roles/storage.objectViewer"
  member = each.value
}

# To launch by hand is to read the spec.
resource "google_storage_bucket_iam_member" "operator_artifacts" {
  for_each = toset(var.operators)

  bucket = google_storage_bucket.this["artifacts"].name
  role   = "roles/storage.objectViewer"
  member = each.value
}

resource "google_storage_bucket_iam_member" "releasers" {
  for_each = toset(var.releasers)

  bucket = google_storage_bucket.this["artifacts"].name
  role   = "roles/storage.objectUser"
  member = each.value
}
