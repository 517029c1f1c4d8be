"""What surrounds the function: the local stack, and the registry on AWS."""
