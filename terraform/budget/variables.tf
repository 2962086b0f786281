variable "name" {
  type        = string
  description = "Begins the budget's name."
}

variable "project_id" {
  type        = string
  description = "Project whose cost counts."
}

variable "billing_account" {
  type        = string
  description = "Billing account of the project."
}

variable "monthly_amount" {
  type        = number
  description = "The budget of a calendar month, in whole units."
}

variable "currency" {
  type        = string
  description = "Currency of the billing account."
}

variable "notification_channels" {
  type        = list(string)
  description = "Channels to tell, of which the first five are; the billing account's administrators are told anyway."
}
