output "subnetwork" {
  description = "The workers' subnetwork, as Dataflow wants it."
  value       = google_compute_subnetwork.workers.self_link
}
