"""The deployed system on one machine, without Docker: `infra.local.stack` is the way in."""
