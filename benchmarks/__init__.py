"""What is claimed about speed and cost, measured side by side in one run by anyone (`make bench`)."""
