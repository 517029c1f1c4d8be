"""`report.html`: what people look at, one file that needs nothing else."""
