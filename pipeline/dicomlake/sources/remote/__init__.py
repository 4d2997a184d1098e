"""Object stores, and whatever else fsspec lists."""
