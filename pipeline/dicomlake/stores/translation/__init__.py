"""Storage options in the words of fsspec into those of `object_store`, a module for each kind of store."""
