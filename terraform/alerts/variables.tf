variable "name" {
  type        = string
  description = "Begins the names of metrics and policies."
}

variable "emails" {
  type        = list(string)
  description = "Addresses that alerts write to."
}

variable "region" {
  type        = string
  description = "Region of the schedules, for the commands that alerts tell."
}

variable "jobs" {
  type = map(object({
    longest_hours  = number
    expected_hours = number
  }))
  description = "By job name: hours after which a job runs too long, and without a finished dataset after which one is missed; 0 misses none."
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
