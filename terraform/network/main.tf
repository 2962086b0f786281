resource "google_compute_network" "this" {
  name                    = var.name
  description             = "Shardlight's workers, and nothing else."
  auto_create_subnetworks = false
  routing_mode            = "REGIONAL"
}

# Workers have no public addresses; Google's own APIs, buckets and registry they reach all the same.
resource "google_compute_subnetwork" "workers" {
  name                     = "${var.name}-workers"
  description              = "Dataflow workers of Shardlight."
  network                  = google_compute_network.this.id
  region                   = var.region
  ip_cidr_range            = var.subnet_range
  private_ip_google_access = true
}

# Dataflow gives its machines the tag; through these ports they exchange what a GroupByKey groups, where Dataflow's
# shuffle service does not.
resource "google_compute_firewall" "workers" {
  name        = "${var.name}-workers"
  description = "Dataflow workers among each other."
  network     = google_compute_network.this.id
  direction   = "INGRESS"
  source_tags = ["dataflow"]
  target_tags = ["dataflow"]

  allow {
    protocol = "tcp"
    ports    = ["12345-12346"]
  }
}

# A way out, and none in, for models that are fetched from the Hugging Face Hub.

resource "google_compute_router" "out" {
  count = var.internet_access ? 1 : 0

  name        = "${var.name}-out"
  description = "Carries the NAT of Shardlight's workers."
  network     = google_compute_network.this.id
  region      = var.region
}

resource "google_compute_router_nat" "out" {
  count = var.internet_access ? 1 : 0

  name                               = "${var.name}-out"
  router                             = google_compute_router.out[0].name
  region                             = var.region
  nat_ip_allocate_option             = "AUTO_ONLY"
  source_subnetwork_ip_ranges_to_nat = "LIST_OF_SUBNETWORKS"

  subnetwork {
    name                    = google_compute_subnetwork.workers.id
    source_ip_ranges_to_nat = ["PRIMARY_IP_RANGE"]
  }

  log_config {
    enable = true
    filter = "ERRORS_ONLY"
  }
}
