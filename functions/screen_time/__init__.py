"""What runs in Lambda: sample a video, classify its frames, summarise who is on screen, write the result."""
