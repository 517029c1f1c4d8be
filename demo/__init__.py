"""A cartoon of our own, drawn from a script that is its ground truth; clips of any kind; the demo that uses them."""
