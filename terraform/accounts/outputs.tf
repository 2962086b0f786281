output "worker_email" {
  description = "Account of launcher and worker machines."
  value       = google_service_account.worker.email
}

output "worker_member" {
  description = "The worker as IAM writes it."
  value       = google_service_account.worker.member
}

output "launcher_email" {
  description = "Account that Cloud Scheduler launches jobs as."
  value       = google_service_account.launcher.email
}

output "launcher_member" {
  description = "The launcher as IAM writes it."
  value       = google_service_account.launcher.member
}
