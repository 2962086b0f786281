variable "name" {
  type        = string
  description = "Name of the repository."
}

variable "region" {
  type        = string
  description = "Where the images are: where they are pulled."
}

variable "worker_member" {
  type        = string
  description = "The worker as IAM writes it."
}

variable "releasers" {
  type        = list(string)
  description = "Members who may push images."
}
