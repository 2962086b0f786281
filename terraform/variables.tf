variable "project_id" {
  type        = string
  description = "Id of an existing project with billing. Everything here lives in it."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{4,28}[a-z0-9]$", var.project_id))
    error_message = "project_id must be the id of a project, such as my-project-123, not its name or number."
  }
}

variable "region" {
  type        = string
  description = "Region of workers, network, registry and schedules, such as us-central1; it must offer the accelerators."
  nullable    = false

  validation {
    condition     = can(regex("^[a-z]+-[a-z]+[0-9]+$", var.region))
    error_message = "region must be a region such as us-central1, not a zone such as us-central1-a."
  }
}

variable "name" {
  type        = string
  description = "Begins the name of everything that is made, so that a project has room for two installations; each needs a state of its own."
  default     = "shardlight"
  nullable    = false

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,18}[a-z0-9]$", var.name))
    error_message = "name must have 3 to 20 lower-case letters, digits and hyphens, and begin with a letter: service accounts' names end there."
  }
}

variable "labels" {
  type        = map(string)
  description = "Labels for everything that takes some, workers included, as they appear on the bill; app and managed-by are there anyway."
  default     = {}
  nullable    = false

  validation {
    condition = alltrue([
      for key, value in var.labels :
      can(regex("^[a-z][a-z0-9_-]{0,62}$", key)) && can(regex("^[a-z0-9_-]{0,63}$", value))
    ])
    error_message = "labels must have lower-case letters, digits, hyphens and underscores only, at most 63 of them."
  }
}

# Datasets

variable "datasets" {
  type = map(object({
    schedule       = string
    time_zone      = optional(string, "Etc/UTC")
    paused         = optional(bool, false)
    worker         = string
    worker_zone    = optional(string)
    max_workers    = optional(number, 1)
    parameters     = map(string)
    longest_hours  = optional(number, 12)
    expected_hours = optional(number, 0)
  }))
  description = <<-EOT
    Datasets that are made on a schedule, by their names; schedule and Dataflow job are called name-dataset:
    schedule        when, in cron's five fields, read in time_zone
    paused          keeps schedule and job, and launches nothing
    worker          cpu, l4, h100, v5e-1, v5e-4 or v5e-8: see schedule/workers.tf
    worker_zone     zone of the workers, such as us-central1-a; needed for TPUs
    max_workers     most workers at a time, and so the most that a running job can cost an hour
    parameters      options of generate by their names, input and output at least
    longest_hours   a job that runs for longer raises an alert
    expected_hours  no finished dataset for so many whole hours raises an alert, 0 or nothing none; more than the schedule's interval and the job together
  EOT
  default     = {}
  nullable    = false

  validation {
    condition     = alltrue([for name in keys(var.datasets) : can(regex("^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$", name))])
    error_message = "A dataset's name ends its Dataflow job's: 1 to 40 lower-case letters, digits and hyphens, a letter first."
  }

  validation {
    condition = alltrue(flatten([
      for dataset in var.datasets : [
        for option in ["input", "output"] : startswith(lookup(dataset.parameters, option, ""), "gs://")
      ]
    ]))
    error_message = "A dataset's parameters must have input and output, and both begin with gs://: workers have no disk in common."
  }

  validation {
    condition = length(distinct([
      for dataset in var.datasets : lookup(dataset.parameters, "output", "")
    ])) == length(var.datasets)
    error_message = "Every dataset must have an output of its own: two jobs with one output would refuse each other."
  }

  validation {
    condition     = alltrue([for dataset in var.datasets : length(split(" ", dataset.schedule)) == 5])
    error_message = "A dataset's schedule must have cron's five fields, such as \"0 2 * * *\" for two o'clock every night."
  }

  validation {
    condition     = alltrue([for dataset in var.datasets : dataset.longest_hours > 0])
    error_message = "A dataset's longest_hours must be more than 0."
  }

  validation {
    condition = alltrue([
      for dataset in var.datasets : dataset.expected_hours >= 0 && floor(dataset.expected_hours) == dataset.expected_hours
    ])
    error_message = "A dataset's expected_hours must be a whole number of hours, or 0 for no alert."
  }
}

variable "release" {
  type        = string
  description = "Release that is run: the tag of the images, and the end of the template specs' names."
  nullable    = false

  validation {
    condition     = can(regex("^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$", var.release)) && var.release != "latest"
    error_message = "release must be a tag of an image that does not move, such as 0.1.0, and not latest."
  }
}

variable "hub_access" {
  type        = bool
  description = "Whether workers may fetch models from the Hugging Face Hub: makes a secret for its token and a way out of the network. Not needed for models that were staged to the artifacts bucket."
  default     = false
  nullable    = false
}

# People, as IAM writes them: user:…, group:…, serviceAccount:…

variable "prompt_writers" {
  type        = list(string)
  description = "Who may put prompt files into their bucket."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.prompt_writers : can(regex("^(user|group|serviceAccount|principal|principalSet):", member))])
    error_message = "prompt_writers must be written as IAM does, such as group:artists@example.com; allUsers is not taken."
  }
}

variable "dataset_readers" {
  type        = list(string)
  description = "Who may read finished datasets."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.dataset_readers : can(regex("^(user|group|serviceAccount|principal|principalSet):", member))])
    error_message = "dataset_readers must be written as IAM does, such as group:trainers@example.com; allUsers is not taken."
  }
}

variable "releasers" {
  type        = list(string)
  description = "Who may publish images, template specs and models."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.releasers : can(regex("^(user|group|serviceAccount|principal|principalSet):", member))])
    error_message = "releasers must be written as IAM does, such as group:builders@example.com; allUsers is not taken."
  }
}

variable "operators" {
  type        = list(string)
  description = "Who may start, watch and cancel jobs by hand, and read what they made and why they failed."
  default     = []
  nullable    = false

  validation {
    condition     = alltrue([for member in var.operators : can(regex("^(user|group|serviceAccount|principal|principalSet):", member))])
    error_message = "operators must be written as IAM does, such as group:operators@example.com; allUsers is not taken."
  }
}

# Storage and network

variable "bucket_location" {
  type        = string
  description = "Location of the buckets; the region unless said otherwise, as reading from elsewhere is slower and costs."
  default     = null
}

variable "dataset_days" {
  type        = number
  description = "Days after which objects of datasets are deleted; null keeps them."
  default     = null

  validation {
    condition     = var.dataset_days == null ? true : var.dataset_days >= 1
    error_message = "dataset_days must be null, or 1 and more."
  }
}

variable "soft_delete_days" {
  type        = number
  description = "Days for which deleted prompts, datasets, models and specs can be restored, and are paid for; 0, or 7 to 90."
  default     = 7
  nullable    = false

  validation {
    condition     = var.soft_delete_days == 0 || (var.soft_delete_days >= 7 && var.soft_delete_days <= 90)
    error_message = "soft_delete_days must be 0, or 7 to 90: Cloud Storage takes no other."
  }
}

variable "subnet_range" {
  type        = string
  description = "Private addresses of the workers; a /24 has room for 252."
  default     = "10.128.0.0/24"
  nullable    = false

  validation {
    condition     = can(cidrnetmask(var.subnet_range))
    error_message = "subnet_range must be IPv4 addresses such as 10.128.0.0/24."
  }
}

# Alerts and budget

variable "alert_emails" {
  type        = list(string)
  description = "Addresses that alerts and the budget write to."
  nullable    = false

  validation {
    condition     = length(var.alert_emails) > 0 && alltrue([for email in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+$", email))])
    error_message = "alert_emails must have an address or more: an alert that nobody reads is none."
  }
}

variable "alert_failure_ratio" {
  type        = number
  description = "Part of the images that may fail before an alert is raised; below generate's maxFailureRatio, which fails the job."
  default     = 0.005
  nullable    = false

  validation {
    condition     = var.alert_failure_ratio >= 0 && var.alert_failure_ratio < 1
    error_message = "alert_failure_ratio must be from 0, at which one failed image raises it, to less than 1."
  }
}

variable "alert_busy_ratio" {
  type        = number
  description = "Least part of a job's working time in which the devices worked; less raises an alert, as accelerators are paid for while they wait."
  default     = 0.5
  nullable    = false

  validation {
    condition     = var.alert_busy_ratio >= 0 && var.alert_busy_ratio <= 1
    error_message = "alert_busy_ratio must be from 0, which raises none, to 1."
  }
}

variable "billing_account" {
  type        = string
  description = "Billing account of the project, such as 012345-6789AB-CDEF01, for the budget; null makes none."
  default     = null

  validation {
    condition     = var.billing_account == null ? true : can(regex("^[0-9A-F]{6}-[0-9A-F]{6}-[0-9A-F]{6}$", var.billing_account))
    error_message = "billing_account must be null, or an id such as 012345-6789AB-CDEF01."
  }
}

variable "monthly_budget" {
  type        = number
  description = "What the project should cost a month at most, in whole units of budget_currency. It is told, not enforced."
  default     = 1000
  nullable    = false

  validation {
    condition     = var.monthly_budget >= 1 && floor(var.monthly_budget) == var.monthly_budget
    error_message = "monthly_budget must be a whole number from 1 up."
  }
}

variable "budget_currency" {
  type        = string
  description = "Currency of the billing account."
  default     = "USD"
  nullable    = false

  validation {
    condition     = can(regex("^[A-Z]{3}$", var.budget_currency))
    error_message = "budget_currency must be three letters, such as USD."
  }
}
