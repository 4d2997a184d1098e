"""Translation of fsspec's storage options into those of `object_store`, a module for each kind of store."""
