"""Write the inventories that let the docs link to other projects without a network.

``python docs/_ext/make_inventories.py`` writes ``docs/inventories/*.inv``. They hold only
the names that our docstrings and pages use, with the addresses at which these projects
publish them. A full ``objects.inv`` of each project would do the same and is larger.
"""

from __future__ import annotations

import inspect
import zlib
from importlib import import_module
from pathlib import Path
from types import ModuleType

FOLDER = Path(__file__).parent.parent / "inventories"

#: Project: address of its docs, and names with the page where each stands. ``$`` is the
#: name. A name that ends in ``*`` stands for all public names of that module.
PROJECTS: dict[str, tuple[str, dict[str, str]]] = {
    "python": (
        "https://docs.python.org/3/",
        {
            **dict.fromkeys(
                "bool dict float int list range set slice str tuple".split(),
                "library/stdtypes.html#$",
            ),
            **dict.fromkeys(
                "FileNotFoundError ImportError IndexError KeyError KeyboardInterrupt "
                "OSError RuntimeError SystemExit TypeError ValueError".split(),
                "library/exceptions.html#$",
            ),
            "argparse.ArgumentParser": "library/argparse.html#$",
            "argparse.Namespace": "library/argparse.html#$",
            "pathlib.Path": "library/pathlib.html#$",
        },
    ),
    "numpy": (
        "https://numpy.org/doc/stable/",
        {
            "numpy.ndarray": "reference/generated/$.html#$",
            "numpy.asarray": "reference/generated/$.html#$",
            "numpy.random.Generator": "reference/random/generator.html#$",
        },
    ),
    "pandas": (
        "https://pandas.pydata.org/docs/",
        {
            "pandas.DataFrame": "reference/api/$.html#$",
            "pandas.Series": "reference/api/$.html#$",
        },
    ),
    "sklearn": (
        "https://scikit-learn.org/stable/",
        {
            f"sklearn.{module}.*": "modules/generated/$.html#$"
            for module in (
                "base compose linear_model metrics model_selection pipeline preprocessing"
            ).split()
        },
    ),
    "mne": (
        "https://mne.tools/stable/",
        dict.fromkeys(
            "mne.Annotations mne.Epochs mne.Info mne.io.Raw mne.io.read_raw "
            "mne.channels.DigMontage mne.channels.make_standard_montage "
            "mne.concatenate_raws mne.viz.plot_topomap".split(),
            "generated/$.html#$",
        ),
    ),
    "torch": (
        "https://docs.pytorch.org/docs/stable/",
        {
            "torch.Tensor": "tensors.html#$",
            "torch.nn.Module": "generated/$.html#$",
            "torch.nn.MSELoss": "generated/$.html#$",
            "torch.optim.AdamW": "generated/$.html#$",
            "torch.optim.Optimizer": "optim.html#$",
            "torch.utils.data.Dataset": "data.html#$",
        },
    ),
    "skorch": (
        "https://skorch.readthedocs.io/en/stable/",
        {
            "skorch.regressor.NeuralNetRegressor": "regressor.html#$",
            "skorch.callbacks.Callback": "callbacks.html#$",
            "skorch.callbacks.EarlyStopping": "callbacks.html#$",
            "skorch.dataset.ValidSplit": "dataset.html#$",
        },
    ),
    "nilearn": (
        "https://nilearn.github.io/stable/",
        dict.fromkeys(
            "nilearn.maskers.NiftiLabelsMasker nilearn.maskers.NiftiMapsMasker "
            "nilearn.datasets.fetch_atlas_difumo "
            "nilearn.datasets.fetch_atlas_schaefer_2018 "
            "nilearn.interfaces.fmriprep.load_confounds".split(),
            "modules/generated/$.html#$",
        ),
    ),
    "braindecode": (
        "https://braindecode.org/stable/",
        {
            "braindecode.models.*": "generated/$.html#$",
            "braindecode.regressor.EEGRegressor": "generated/$.html#$",
            "braindecode.datasets.BaseConcatDataset": "generated/$.html#$",
        },
    ),
}


#: Terms, labels and constants to which numpydoc links the types of parameters.
OTHERS = {
    "python": (
        "sequence std:term -1 glossary.html#term-$ -",
        "iterable std:term -1 glossary.html#term-$ -",
        "mapping std:term -1 glossary.html#term-$ -",
        "bltin-boolean-values std:label -1 library/stdtypes.html#boolean-type-bool -",
        *(
            f"{name} py:data 1 library/constants.html#$ -"
            for name in ("None", "True", "False")
        ),
        "callable py:function 1 library/functions.html#$ -",
    ),
    "numpy": ("array_like std:term -1 glossary.html#term-$ -",),
}


def names_of(project: str) -> dict[str, str]:
    """Names of a project and the page of each, with ``module.*`` written out."""
    found: dict[str, str] = {}
    for name, page in PROJECTS[project][1].items():
        if not name.endswith(".*"):
            found[name] = page
            continue
        module = import_module(name[:-2])
        found |= {f"{name[:-1]}{public}": page for public in _public(module)}
    return found


def _public(module: ModuleType) -> list[str]:
    names = [name for name in getattr(module, "__all__", dir(module)) if name[0] != "_"]
    found = []
    for name in sorted(names):
        try:
            item = getattr(module, name)
        except ImportError:  # scikit-learn's experimental searches
            continue
        if inspect.isclass(item) or inspect.isfunction(item):
            found.append(name)
    return found


def find(name: str) -> object:
    """Import the object of a full name."""
    module, _, rest = name.rpartition(".")
    try:
        return getattr(import_module(module or "builtins"), rest)
    except ModuleNotFoundError:
        return getattr(find(module), rest)


def role_of(name: str) -> str:
    """Sphinx's object type of a name."""
    item = find(name)
    if inspect.isclass(item):
        return "exception" if issubclass(item, BaseException) else "class"
    return "function"


def inventory(project: str) -> bytes:
    """Contents of a project's inventory, in version 2 of Sphinx's format."""
    lines = [
        f"{name} py:{role_of(name)} 1 {page.replace('$', name, page.count('$') - 1)} -\n"
        for name, page in sorted(names_of(project).items())
    ]
    lines += [f"{line}\n" for line in OTHERS.get(project, ())]
    header = (
        f"# Sphinx inventory version 2\n# Project: {project}\n# Version: \n"
        "# The remainder of this file is compressed using zlib.\n"
    )
    return header.encode() + zlib.compress("".join(lines).encode(), 9)


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for project in PROJECTS:
        (FOLDER / f"{project}.inv").write_bytes(inventory(project))
