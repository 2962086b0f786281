locals {
  labels = merge({ app = "shardlight", managed-by = "terraform" }, var.labels)

  # A dataset that names a model on the Hugging Face Hub needs a way out of the network; the others need none.
  hub_access = var.hub_access

  # Schedules and active jobs have names of their own within a project and region, in which others may be installed.
  job_names = { for dataset in keys(var.datasets) : dataset => "${var.name}-${dataset}" }
}

module "apis" {
  source = "./apis"

  project_id = var.project_id
  services = concat(
    local.hub_access ? ["secretmanager.googleapis.com"] : [],
    var.billing_account == null ? [] : ["billingbudgets.googleapis.com"],
  )
}

module "accounts" {
  source = "./accounts"

  project_id = var.project_id
  name       = var.name
  operators  = var.operators

  depends_on = [module.apis]
}

module "network" {
  source = "./network"

  name            = var.name
  region          = var.region
  subnet_range    = var.subnet_range
  internet_access = local.hub_access

  depends_on = [module.apis]
}

module "storage" {
  source = "./storage"

  project_id       = var.project_id
  name             = var.name
  location         = coalesce(var.bucket_location, var.region)
  worker_member    = module.accounts.worker_member
  launcher_member  = module.accounts.launcher_member
  operators        = var.operators
  prompt_writers   = var.prompt_writers
  dataset_readers  = var.dataset_readers
  releasers        = var.releasers
  dataset_days     = var.dataset_days
  soft_delete_days = var.soft_delete_days

  depends_on = [module.apis]
}

module "registry" {
  source = "./registry"

  name          = var.name
  region        = var.region
  worker_member = module.accounts.worker_member
  releasers     = var.releasers

  depends_on = [module.apis]
}

module "hub_token" {
  source = "./hub-token"
  count  = local.hub_access ? 1 : 0

  name          = var.name
  region        = var.region
  worker_member = module.accounts.worker_member

  depends_on = [module.apis]
}

module "schedule" {
  source   = "./schedule"
  for_each = var.datasets

  project_id       = var.project_id
  region           = var.region
  job_name         = local.job_names[each.key]
  dataset          = each.key
  schedule         = each.value.schedule
  time_zone        = each.value.time_zone
  paused           = each.value.paused
  worker           = each.value.worker
  worker_zone      = each.value.worker_zone
  max_workers      = each.value.max_workers
  parameters       = each.value.parameters
  release          = var.release
  image_repository = module.registry.repository
  template_folder  = module.storage.template_folder
  staging_folder   = module.storage.staging_folder
  hub_token_secret = one(module.hub_token[*].version_name)
  subnetwork       = module.network.subnetwork
  worker_email     = module.accounts.worker_email
  launcher_email   = module.accounts.launcher_email
  labels           = local.labels

  depends_on = [module.apis]
}

module "alerts" {
  source = "./alerts"

  name   = var.name
  region = var.region
  emails = var.alert_emails
  jobs = {
    for name, dataset in var.datasets : local.job_names[name] => {
      longest_hours  = dataset.longest_hours
      expected_hours = dataset.paused ? 0 : dataset.expected_hours
    }
  }
  failure_ratio = var.alert_failure_ratio
  busy_ratio    = var.alert_busy_ratio
  labels        = local.labels

  depends_on = [module.apis]
}

module "budget" {
  source = "./budget"
  count  = var.billing_account == null ? 0 : 1

  name                  = var.name
  project_id            = var.project_id
  billing_account       = var.billing_account
  monthly_amount        = var.monthly_budget
  currency              = var.budget_currency
  notification_channels = module.alerts.notification_channels

  depends_on = [module.apis]
}
