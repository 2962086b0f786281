variable "name" {
  type        = string
  description = "Name of the network; begins the names of what is in it."
}

variable "region" {
  type        = string
  description = "Region of the workers."
}

variable "subnet_range" {
  type        = string
  description = "Private addresses of the workers."
}

variable "internet_access" {
  type        = bool
  description = "Whether workers may open connections to the internet, through Cloud NAT."
}
