output "buckets" {
  description = "Names of the buckets for prompts, datasets, artifacts (models and template specs) and staging."
  value       = module.storage.buckets
}

output "image_repository" {
  description = "Where releasers push the images."
  value       = module.registry.repository
}

output "template_folder" {
  description = "Where releasers put the template specs."
  value       = module.storage.template_folder
}

output "worker_account" {
  description = "Service account that launcher and worker machines run as."
  value       = module.accounts.worker_email
}

output "launcher_account" {
  description = "Service account that Cloud Scheduler launches jobs as."
  value       = module.accounts.launcher_email
}

output "subnetwork" {
  description = "Subnetwork of the workers, for jobs that are started by hand."
  value       = module.network.subnetwork
}

output "hub_token_secret" {
  description = "Secret whose first version is to be the Hugging Face Hub's token; null without hub_access."
  value       = one(module.hub_token[*].secret_name)
}

output "job_names" {
  description = "Name of each dataset's schedule, which is that of its Dataflow job too."
  value       = local.job_names
}

output "launch_requests" {
  description = "Body of each dataset's launch, as Cloud Scheduler sends it: to read, or to launch by hand."
  value       = { for name, dataset in module.schedule : name => dataset.request }
}

output "notification_channels" {
  description = "Channels of the alerts, for policies of your own."
  value       = module.alerts.notification_channels
}
