"""What "the same file" means: every dataset, bit for bit, and every attribute, but those of the group "provenance"."""

import h5py
import numpy as np


def content(path):
    """Name -> (type, shape, bytes) of every dataset, and the attributes of the root and of all variables."""
    found = {}

    def collect(name, item):
        if name.startswith("provenance"):
            return
        if isinstance(item, h5py.Dataset):
            data = item[()]
            raw = data.tolist() if data.dtype == object else np.ascontiguousarray(data).tobytes()
            found[name] = (str(data.dtype), data.shape, raw)
        kept = {k: v for k, v in item.attrs.items() if k not in ("DIMENSION_LIST", "REFERENCE_LIST")}
        found[name + "@"] = sorted((k, str(v)) for k, v in kept.items())

    with h5py.File(path) as file:
        file.visititems(collect)
        found["@"] = sorted((k, str(v)) for k, v in file.attrs.items())
    return found
