"""Order of the examples in the gallery: from the first fit to special topics."""

_ORDER = (
    "first_fit group_kfold evaluation real_recordings bids_own_atlas montage_128 "
    "gaussian_process grid_search braindecode_model pretraining explanation new_eeg "
    "real_pair dask"
).split()


class Order:
    """Sort key of the examples of a folder; those that are not listed come last."""

    def __init__(self, src_dir: str):
        self.src_dir = src_dir

    def __call__(self, filename: str) -> tuple[int, str]:
        """Place of an example."""
        name = filename.removeprefix("plot_").removesuffix(".py")
        return (_ORDER.index(name) if name in _ORDER else len(_ORDER), name)

    def __repr__(self) -> str:
        """The same in every build, so that Sphinx sees no change."""
        return "Order"
