# The provider, on the daemon: part of each configuration.

terraform {
  required_providers {
    aws = { source = "hashicorp/aws" }
  }
}

variable "endpoint" {
  type        = string
  description = "Where the daemon's API is."
}

variable "default_tags" {
  type        = map(string)
  description = "Tags of every resource."
  default     = {}
}

provider "aws" {
  region                      = "us-east-1"
  access_key                  = "AKIAIOSFODNN7EXAMPLE"
  secret_key                  = "example"
  skip_credentials_validation = true
  skip_metadata_api_check     = true
  skip_requesting_account_id  = true
  skip_region_validation      = true

  endpoints {
    events = var.endpoint
  }

  default_tags {
    tags = var.default_tags
  }
}
