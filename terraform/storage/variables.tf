variable "project_id" {
  type        = string
  description = "Begins the buckets' names, which all of Cloud Storage shares."
}

variable "name" {
  type        = string
  description = "Comes after the project in the buckets' names."
}

variable "location" {
  type        = string
  description = "Where the buckets are: a region, or a multi-region."
}

variable "worker_member" {
  type        = string
  description = "The worker as IAM writes it."
}

variable "launcher_member" {
  type        = string
  description = "The launcher as IAM writes it."
}

variable "operators" {
  type        = list(string)
  description = "Members who may read datasets with their reports, and template specs."
}

variable "prompt_writers" {
  type        = list(string)
  description = "Members who may write prompts."
}

variable "dataset_readers" {
  type        = list(string)
  description = "Members who may read datasets."
}

variable "releasers" {
  type        = list(string)
  description = "Members who may write models and template specs."
}

variable "dataset_days" {
  type        = number
  description = "Days after which objects of datasets are deleted; null keeps them."
}

variable "soft_delete_days" {
  type        = number
  description = "Days for which deleted objects can be restored, staging's excepted."
}
