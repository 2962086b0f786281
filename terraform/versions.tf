terraform {
  required_version = ">= 1.9"

  required_providers {
    google = {
      source  = "hashicorp/google"
      version = "~> 6.50"
    }
  }

  # terraform init -backend-config=bucket=MY-STATE-BUCKET
  backend "gcs" {
    prefix = "shardlight"
  }
}

provider "google" {
  project        = var.project_id
  region         = var.region
  default_labels = local.labels

  # Budgets belong to a billing account; their API asks which project's quota a call counts against.
  user_project_override = true
  billing_project       = var.project_id
}
