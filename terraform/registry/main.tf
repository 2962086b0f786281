resource "google_artifact_registry_repository" "images" {
  repository_id          = var.name
  location               = var.region
  description            = "Shardlight's images, each launcher and worker in one."
  format                 = "DOCKER"
  cleanup_policy_dry_run = false

  # What ran yesterday is what runs today: a tag, once pushed, stays where it is.
  docker_config {
    immutable_tags = true
  }

  # Tagged images stay until somebody deletes them; of others, the leavings of failed pushes, a month's worth.
  cleanup_policies {
    id     = "delete-untagged"
    action = "DELETE"

    condition {
      tag_state  = "UNTAGGED"
      older_than = "2592000s"
    }
  }

  cleanup_policies {
    id     = "keep-newest"
    action = "KEEP"

    most_recent_versions {
      keep_count = 5
    }
  }
}

resource "google_artifact_registry_repository_iam_member" "worker" {
  repository = google_artifact_registry_repository.images.name
  location   = google_artifact_registry_repository.images.location
  role       = "roles/artifactregistry.reader"
  member     = var.worker_member
}

resource "google_artifact_registry_repository_iam_member" "releasers" {
  for_each = toset(var.releasers)

  repository = google_artifact_registry_repository.images.name
  location   = google_artifact_registry_repository.images.location
  role       = "roles/artifactregistry.writer"
  member     = each.value
}
