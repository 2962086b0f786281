variable "name" {
  type        = string
  description = "Begins the secret's name."
}

variable "region" {
  type        = string
  description = "Where the token is kept."
}

variable "worker_member" {
  type        = string
  description = "The worker as IAM writes it."
}
