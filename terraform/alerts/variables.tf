variable "name" {
  type        = string
  description = "Begins the names of metrics and policies."
}

variable "emails" {
  type        = list(string)
  description = "Addresses that alerts write to."
}

variable "datasets" {
  type = map(object({
    longest_hours  = number
    expected_hours = optional(number)
  }))
  description = "By job name: hours after which a job runs too long, and without a finished dataset after which one is missed; null misses none."
}

variable "failure_ratio" {
  type        = number
  description = "Part of the images that may fail without an alert."
}

variable "busy_ratio" {
  type        = number
  description = "Part of the time in which devices must work."
}

variable "labels" {
  type        = map(string)
  description = "Labels of policies and channels."
}
