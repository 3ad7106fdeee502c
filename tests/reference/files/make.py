#!/usr/bin/env python3
"""Writes the archives that tests/io/npz_test.cpp reads, as NumPy and Python's zipfile have them. Run it here."""
import zipfile

import numpy

arrays = {
    "w": numpy.array([[1.5, 2.0, -3.0], [0.25, 1e300, numpy.inf]]),
    "b": numpy.array([1, -2, 2**40]),
    "layer/mask": numpy.array([True, False]),
    "half": numpy.array([1.0, -5.0, 2.0**-24], dtype=numpy.float16),
    "by columns": numpy.asfortranarray(numpy.array([[1, 2], [3, 4]], dtype=numpy.int32)),
    "größe": numpy.array(7, dtype=">u2"),
    "nothing": numpy.zeros((0, 3), dtype=numpy.float32),
}
numpy.savez("stored.npz", **arrays)
numpy.savez_compressed("compressed.npz", zeros=numpy.zeros((40, 50)), **arrays)

# As if everything were too large for 32 bits: sizes and places of members, and those of the directory.
zipfile.ZIP64_LIMIT = 10
zipfile.ZIP_FILECOUNT_LIMIT = 1
numpy.savez("zip64.npz", **arrays)

with zipfile.ZipFile("not_arrays.npz", "w") as archive:
    archive.writestr(zipfile.ZipInfo("notes.txt"), "no array")
