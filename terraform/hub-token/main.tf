# The place for the token, and not the token: a version made here would stand in terraform's state.
#   gcloud secrets versions add NAME --data-file=-
resource "google_secret_manager_secret" "this" {
  secret_id = "${var.name}-hub-token"

  replication {
    user_managed {
      replicas {
        location = var.region
      }
    }
  }
}

resource "google_secret_manager_secret_iam_member" "worker" {
  secret_id = google_secret_manager_secret.this.id
  role      = "roles/secretmanager.secretAccessor"
  member    = var.worker_member
}
