variable "project_id" {
  type        = string
  description = "Project in which the accounts may work."
}

variable "name" {
  type        = string
  description = "Begins the accounts' names."
}

variable "operators" {
  type        = list(string)
  description = "Members who may start, watch and cancel jobs by hand."
}
