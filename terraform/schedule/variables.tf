variable "project_id" {
  type        = string
  description = "Project in which the job runs."
}

variable "region" {
  type        = string
  description = "Region of schedule and job."
}

variable "job_name" {
  type        = string
  description = "Name of schedule and Dataflow job."
}

variable "dataset" {
  type        = string
  description = "Name of the dataset, a label of the job's machines."
}

variable "schedule" {
  type        = string
  description = "When the job is launched, in cron's five fields."
}

variable "time_zone" {
  type        = string
  description = "Time zone that the schedule is read in."
}

variable "paused" {
  type        = bool
  description = "Whether the schedule launches nothing for now."
}

variable "worker" {
  type        = string
  description = "Kind of worker, a key of the table in workers.tf."

  validation {
    condition     = contains(keys(local.workers), var.worker)
    error_message = "worker must be one of ${join(", ", keys(local.workers))}."
  }
}

variable "worker_zone" {
  type        = string
  description = "Zone of the workers; null leaves it to Dataflow, which cannot for TPUs."

  validation {
    condition     = var.worker_zone == null ? !startswith(var.worker, "v5e") : startswith(var.worker_zone, "${var.region}-")
    error_message = "worker_zone must be a zone of ${var.region}, and TPU workers need one: not every zone has them."
  }
}

variable "max_workers" {
  type        = number
  description = "Most workers at a time."

  validation {
    condition     = var.max_workers >= 1 && var.max_workers <= 1000 && floor(var.max_workers) == var.max_workers
    error_message = "max_workers must be a whole number from 1 to 1000."
  }
}

variable "parameters" {
  type        = map(string)
  description = "Options of generate by their names; they win over those that this module gives."
}

variable "release" {
  type        = string
  description = "Tag of the image, and end of the template spec's name."
}

variable "image_repository" {
  type        = string
  description = "What the image's name begins with."
}

variable "template_folder" {
  type        = string
  description = "Folder of the template specs."
}

variable "staging_folder" {
  type        = string
  description = "Root of what jobs stage and share."
}

variable "hub_token_secret" {
  type        = string
  description = "Version of the secret with the Hub's token; null if there is none."
}

variable "subnetwork" {
  type        = string
  description = "Subnetwork of the workers."
}

variable "worker_email" {
  type        = string
  description = "Account of launcher and worker machines."
}

variable "launcher_email" {
  type        = string
  description = "Account that Cloud Scheduler launches the job as."
}

variable "labels" {
  type        = map(string)
  description = "Labels of the job's machines."
}
