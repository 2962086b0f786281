output "request" {
  description = "Body of the launch."
  value       = jsonencode(local.request)
}
