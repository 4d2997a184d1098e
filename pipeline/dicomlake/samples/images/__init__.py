"""The images and documents of a sample, by kind."""
