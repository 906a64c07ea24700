"""How well each part of the analysis does on recorded data, one module a part: `figures(data) -> Iterator[Figure]`."""
