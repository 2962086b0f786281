output "buckets" {
  description = "The buckets' names, by what they hold."
  value       = { for what, bucket in google_storage_bucket.this : what => bucket.name }
}

output "template_folder" {
  description = "Folder of the template specs."
  value       = "${google_storage_bucket.this["artifacts"].url}/templates"
}

output "staging_folder" {
  description = "Root of what jobs stage, keep for a while and share: temp, staging and programs lie in it."
  value       = google_storage_bucket.this["staging"].url
}
