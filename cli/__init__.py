"""The command line `screen-time`."""
