"""Object stores: their options, their clients, and the messages for their refusals."""

from dicomlake.stores.built_in import built_in_filesystem
from dicomlake.stores.client import is_object_store, key_order, object_store_options, open_object_store, store_of
from dicomlake.stores.descriptors import make_room_for_connections
from dicomlake.stores.filesystem import NewObject, StoreFilesystem
from dicomlake.stores.patience import PAUSES_SECONDS, is_passing, patiently
from dicomlake.stores.refusal import codes_of, store_refusal
from dicomlake.stores.renewed import RenewedClient
from dicomlake.stores.store import ObjectStore, stores_of
from dicomlake.stores.translation.translated import KeyOrder

__all__ = [
    "PAUSES_SECONDS",
    "KeyOrder",
    "NewObject",
    "ObjectStore",
    "RenewedClient",
    "StoreFilesystem",
    "built_in_filesystem",
    "codes_of",
    "is_object_store",
    "is_passing",
    "key_order",
    "make_room_for_connections",
    "object_store_options",
    "open_object_store",
    "patiently",
    "store_of",
    "store_refusal",
    "stores_of",
]
