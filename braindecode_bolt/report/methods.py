"""A paragraph on methods to paste into a paper, and the references it cites."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from .._text import counted
from .._version import __version__
from ..evaluation import Evaluation
from ..plotting._style import is_simulated

__all__ = ["bibtex", "methods_of"]

#: Surrogates in words, and who proposed them.
_NULLS = {
    "phase": ("phase-randomised surrogates", "theiler1992"),
    "shift": ("circular shifts", ""),
    "block": ("block permutations", ""),
}
#: What models are cited by, by the name of their class.
_MODELS = {
    "NeuroBOLT": "li2024neurobolt",
    "LabramBOLD": "jiang2024labram",
    "BIOTBOLD": "yang2023biot",
    "BEIRA": "kovalev2022beira",
    "SirenED": "li2023siren",
    "STTransformer": "song2021sttransformer",
    "REVE": "elouahidi2025reve",
}
_REFERENCES = {
    "li2024neurobolt": (
        "inproceedings",
        "Li, Yamin and Lou, Ange and Xu, Ziyuan and Zhang, Shengchao and Wang, Shiyu and "
        "Englot, Dario J. and Kolouri, Soheil and Moyer, Daniel and Bayrak, Roza G. and "
        "Chang, Catie",
        "NeuroBOLT: Resting-state EEG-to-fMRI synthesis with multi-dimensional feature "
        "mapping",
        {"booktitle": "Advances in Neural Information Processing Systems", "year": "2024"},
    ),
    "jiang2024labram": (
        "inproceedings",
        "Jiang, Wei-Bang and Zhao, Li-Ming and Lu, Bao-Liang",
        "Large brain model for learning generic representations with tremendous EEG data "
        "in BCI",
        {
            "booktitle": "International Conference on Learning Representations",
            "year": "2024",
        },
    ),
    "yang2023biot": (
        "inproceedings",
        "Yang, Chaoqi and Westover, M. Brandon and Sun, Jimeng",
        "BIOT: Biosignal transformer for cross-data learning in the wild",
        {"booktitle": "Advances in Neural Information Processing Systems", "year": "2023"},
    ),
    "kovalev2022beira": (
        "article",
        "Kovalev, Alexander and Mikheev, Ilia and Ossadtchi, Alexei",
        "fMRI from EEG is only deep learning away: the use of interpretable DL to unravel "
        "EEG-fMRI relationships",
        {"journal": "arXiv:2211.02024", "year": "2022"},
    ),
    "li2023siren": (
        "article",
        "Li, Yamin and Lou, Ange and Xu, Ziyuan and Wang, Shiyu and Chang, Catie",
        "Leveraging sinusoidal representation networks to predict fMRI signals from EEG",
        {"journal": "arXiv:2311.04234", "year": "2023"},
    ),
    "song2021sttransformer": (
        "article",
        "Song, Yonghao and Jia, Xueyu and Yang, Lie and Xie, Longhan",
        "Transformer-based spatial-temporal feature learning for EEG decoding",
        {"journal": "arXiv:2106.11170", "year": "2021"},
    ),
    "elouahidi2025reve": (
        "inproceedings",
        "El Ouahidi, Yassine and others",
        "REVE: A foundation model for EEG - Adapting to any setup with large-scale "
        "pretraining on 25,000 subjects",
        {"booktitle": "Advances in Neural Information Processing Systems", "year": "2025"},
    ),
    "schirrmeister2017": (
        "article",
        "Schirrmeister, Robin Tibor and others",
        "Deep learning with convolutional neural networks for EEG decoding and "
        "visualization",
        {
            "journal": "Human Brain Mapping",
            "volume": "38",
            "pages": "5391--5420",
            "year": "2017",
            "doi": "10.1002/hbm.23730",
        },
    ),
    "gramfort2013": (
        "article",
        "Gramfort, Alexandre and others",
        "MEG and EEG data analysis with MNE-Python",
        {
            "journal": "Frontiers in Neuroscience",
            "volume": "7",
            "pages": "267",
            "year": "2013",
            "doi": "10.3389/fnins.2013.00267",
        },
    ),
    "theiler1992": (
        "article",
        "Theiler, James and Eubank, Stephen and Longtin, Andr{\\'e} and Galdrikian, Bryan "
        "and Farmer, J. Doyne",
        "Testing for nonlinearity in time series: the method of surrogate data",
        {
            "journal": "Physica D",
            "volume": "58",
            "pages": "77--94",
            "year": "1992",
            "doi": "10.1016/0167-2789(92)90102-S",
        },
    ),
    "benjamini1995": (
        "article",
        "Benjamini, Yoav and Hochberg, Yosef",
        "Controlling the false discovery rate: a practical and powerful approach to "
        "multiple testing",
        {
            "journal": "Journal of the Royal Statistical Society B",
            "volume": "57",
            "pages": "289--300",
            "year": "1995",
            "doi": "10.1111/j.2517-6161.1995.tb02031.x",
        },
    ),
    "dunn2023": (
        "article",
        "Dunn, Robin and Wasserman, Larry and Ramdas, Aaditya",
        "Distribution-free prediction sets for two-layer hierarchical models",
        {
            "journal": "Journal of the American Statistical Association",
            "volume": "118",
            "pages": "2491--2502",
            "year": "2023",
            "doi": "10.1080/01621459.2022.2060112",
        },
    ),
    "finn2015": (
        "article",
        "Finn, Emily S. and others",
        "Functional connectome fingerprinting: identifying individuals using patterns of "
        "brain connectivity",
        {
            "journal": "Nature Neuroscience",
            "volume": "18",
            "pages": "1664--1671",
            "year": "2015",
            "doi": "10.1038/nn.4135",
        },
    ),
}


def methods_of(
    evaluation: Evaluation, summary: pd.DataFrame, dataset: str
) -> tuple[str, list[str]]:
    """Describe in a paragraph what was done with a data set.

    Parameters
    ----------
    evaluation : Evaluation
        The evaluation.
    summary : pandas.DataFrame
        Its summary.
    dataset : str
        Name of the data set.

    Returns
    -------
    text : str
        Citations stand as ``[@key]``, as Pandoc and Quarto read them.
    keys : list of str
        Keys of the references cited, for :func:`bibtex`.
    """
    scores = evaluation.scores[evaluation.scores["dataset"] == dataset]
    cited = ["schirrmeister2017", "gramfort2013"]
    sentences = [*_data(evaluation, scores, dataset), *_training(evaluation, scores)]
    models, keys = _models(evaluation.settings.get("models", {}))
    cited += keys
    sentences.append(models)
    null, key = _NULLS[summary["null"].iloc[0]]
    null = f"{summary['n_surrogates'].iloc[0]:,} {null}"
    null += f" [@{key}]" if key else ""
    cited += [key] if key else []
    level = f"{100 * summary['level'].iloc[0]:g} %"
    sentences += [
        "The score is the Pearson correlation R of predicted and measured BOLD of each "
        "tested recording and region, averaged over recordings; its "
        f"{level} confidence interval is a bootstrap over subjects.",
        f"Chance was determined with {null} of the measured BOLD, which keep its "
        "autocorrelation; p of regions was adjusted by the false discovery rate "
        "[@benjamini1995].",
    ]
    cited.append("benjamini1995")
    if scores.loc[scores["control"] == "", "pipeline"].nunique() > 1:
        sentences.append(
            "Models were compared by permutations of the signs of the subjects' "
            "differences in R."
        )
    if len(evaluation.coverage):
        sentences.append(
            f"{evaluation.coverage['level'].iloc[0]:.0%} prediction intervals of each "
            "person were learned from the errors on all other people [@dunn2023]."
        )
        cited.append("dunn2023")
    if len(evaluation.regions[dataset]) > 2:
        sentences.append(
            "Functional connectivity of the predictions was compared with that of the mean "
            "of the training recordings and of the model on constant EEG, which know "
            "nothing of the tested EEG, and people were identified by their predicted "
            "connectivity [@finn2015]."
        )
        cited.append("finn2015")
    return " ".join(sentences), cited


def bibtex(keys: Iterable[str]) -> str:
    """Write references as BibTeX, each once.

    Parameters
    ----------
    keys : iterable of str
        As :func:`methods_of` gives them.

    Returns
    -------
    str
    """
    entries = []
    for key in dict.fromkeys(keys):
        kind, authors, title, more = _REFERENCES[key]
        lines = {"author": authors, "title": f"{{{title}}}", **more}
        body = ",\n".join(f"  {name} = {{{value}}}" for name, value in lines.items())
        entries.append(f"@{kind}{{{key},\n{body}\n}}")
    return "\n\n".join(entries)


def _data(evaluation: Evaluation, scores: pd.DataFrame, dataset: str) -> list[str]:
    n_people, n_recordings = scores["subject"].nunique(), scores["recording"].nunique()
    tr = float(np.median(evaluation.tr[dataset]))
    regions = counted(len(evaluation.regions[dataset]), "brain region")
    windows = evaluation.windows.get(dataset, {})
    sentences = [
        f"BOLD of {regions} (repetition time {tr:g} s) was predicted from EEG of "
        f"{counted(int(scores['channels'].iloc[0]), 'channel')} in "
        f"{counted(n_people, 'person', 'people')} ({counted(n_recordings, 'recording')}) "
        f"with braindecode-bolt {__version__}, which is based on braindecode "
        "[@schirrmeister2017] and MNE-Python [@gramfort2013]."
    ]
    if is_simulated(scores):
        named = " and ".join(evaluation.couplings.get(dataset, []))
        coupling = f"the coupling {named}" if named else "a known coupling"
        sentences.append(f"The BOLD was simulated from the EEG with {coupling}.")
    if windows:
        sentences.append(
            f"Each volume was predicted from the {windows['seconds']:g} s of EEG that end "
            f"{_lag(windows['lag_seconds'])}, sampled at {windows['sfreq']:g} Hz."
        )
        if windows.get("low_pass"):
            sentences.append(
                f"BOLD was low-pass filtered at {windows['low_pass']:g} Hz, separately in "
                "training and test parts."
            )
    preparation = evaluation.settings.get("settings", {}).get("preparation", {})
    if isinstance(preparation, Mapping):
        if "high_pass" in preparation:
            sentences.append(
                f"EEG was high-pass filtered at {preparation['high_pass']} Hz."
            )
        if "reference" in preparation:
            sentences.append(f"Its reference was: {preparation['reference']}.")
    return sentences


def _lag(seconds: float | None) -> str:
    return f"{seconds:g} s before it" if seconds else "with it"


def _training(evaluation: Evaluation, scores: pd.DataFrame) -> list[str]:
    protocol = evaluation.settings.get("protocol", {})
    name = str(protocol.get("", "a splitter")).rpartition(".")[2]
    by = f" by {protocol['by']}" if "by" in protocol else ""
    seeds = scores["seed"].nunique()
    return [
        f"Models were fitted on the training part and scored on the test part of each of "
        f"{counted(scores['fold'].nunique(), 'fold')} ({name}{by}); no EEG was in both."
        + (f" Networks were fitted with {seeds} seeds." if seeds > 1 else ""),
        "BOLD was standardised by the training part.",
    ]


def _models(models: Mapping[str, Any]) -> tuple[str, list[str]]:
    listed, cited = [], []
    for name, described in models.items():
        # The class of a network is among its arguments.
        text = f"{name} {described}"
        keys = [key for kind, key in _MODELS.items() if re.search(rf"\b{kind}\b", text)]
        listed.append(name + "".join(f" [@{key}]" for key in keys))
        cited += keys
    return f"Models: {', '.join(listed)}.", cited
