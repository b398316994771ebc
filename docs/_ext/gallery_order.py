"""Order of the gallery: its sections, and the examples in each, from easy to special."""

SECTIONS = {
    "begin": ["first_fit", "group_kfold"],
    "recordings": ["markers", "bids_own_atlas", "montage_128"],
    "models": [
        "gaussian_process",
        "braindecode_model",
        "grid_search",
        "pretraining",
        "fine_tuning",
    ],
    "evaluate": [
        "compare_models",
        "intervals",
        "explanation",
        "brain_pictures",
        "real_pair",
        "dask",
    ],
    "use": ["new_eeg", "save_and_share", "stream"],
}
_EXAMPLES = [name for names in SECTIONS.values() for name in names]


class Order:
    """Sort key of the examples of a folder; those that are not listed come last."""

    def __init__(self, src_dir: str):
        self.src_dir = src_dir

    def __call__(self, filename: str) -> tuple[int, str]:
        """Place of an example."""
        name = filename.removeprefix("plot_").removesuffix(".py")
        place = _EXAMPLES.index(name) if name in _EXAMPLES else len(_EXAMPLES)
        return (place, name)

    def __repr__(self) -> str:
        """The same in every build, so that Sphinx sees no change."""
        return "Order"
