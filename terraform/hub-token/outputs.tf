output "secret_name" {
  description = "Full name of the secret."
  value       = google_secret_manager_secret.this.id
}

output "version_name" {
  description = "What generate's hfTokenSecret takes: the newest version of the secret."
  value       = "${google_secret_manager_secret.this.id}/versions/latest"
}
