output "notification_channels" {
  description = "Channels that the policies write to."
  value       = local.channels
}
