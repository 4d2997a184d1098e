"""Object stores, and all other filesystems of fsspec."""
