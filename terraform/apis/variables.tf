variable "project_id" {
  type        = string
  description = "Project in which APIs are enabled."
}

variable "services" {
  type        = list(string)
  description = "APIs beside the ones that are always needed."
}
