"""Saving and loading, as methods of a predictor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from . import hub, saving


class SavedPredictor:
    """``save``, ``load``, ``push_to_hub`` and ``from_pretrained`` of BOLDPredictor."""

    def save(self, folder: str | Path, overwrite: bool = False) -> Path:
        """Save the predictor in a folder: JSON, safetensors and a model card.

        Parameters
        ----------
        folder : str | Path
            Where to. It is made.
        overwrite : bool, default False
            Replace another predictor that is there.

        Returns
        -------
        Path
            The folder.

        Raises
        ------
        NotFittedError
            If the predictor is not fitted.
        FileExistsError
            If the folder is there and not empty, or holds something other than a
            predictor.
        TypeError
            If the model cannot be saved.

        See Also
        --------
        load : Load it again.
        """
        self._check_fitted()
        return saving.save(self, folder, overwrite)

    @classmethod
    def load(
        cls, folder: str | Path, device: str = "cpu", models: Sequence[type] = ()
    ) -> Self:
        """Load a predictor from a folder.

        Nothing in the folder is executed, and all of it is checked against the hashes
        that it was saved with.

        Parameters
        ----------
        folder : str | Path
            What :meth:`save` made.
        device : str, default "cpu"
            Where networks compute: a device of torch.
        models : sequence of type, default ()
            Classes of networks of your own, which the folder names but braindecode does
            not know.

        Returns
        -------
        BOLDPredictor
            Fitted.

        Raises
        ------
        PredictorError
            If the folder holds no predictor, is incomplete, was altered, or was written
            by a newer version.
        FileNotFoundError
            If there is no such folder.
        """
        return saving.load(cls, folder, device, models)

    def push_to_hub(self, repository: str, private: bool = True, token: Any = None) -> str:
        """Upload the predictor to the Hugging Face Hub, with its model card.

        A card that is there already is kept, since people add to it by hand.

        Parameters
        ----------
        repository : str
            ``owner/name``; it is made if it is missing.
        private : bool, default True
            Whether a new repository is private.
        token : str | None
            As for ``huggingface_hub.HfApi``. By default that of ``hf auth login``.

        Returns
        -------
        str
            Address of the repository.

        Raises
        ------
        NotFittedError
            If the predictor is not fitted.
        TypeError
            If the model cannot be saved.
        ImportError
            If huggingface_hub is not installed.
        """
        self._check_fitted()
        return hub.upload(self, repository, private, token)

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path,
        revision: str | None = None,
        token: Any = None,
        **arguments: Any,
    ) -> Self:
        """Load a predictor from the Hugging Face Hub, or from a folder.

        Parameters
        ----------
        source : str | Path
            ``owner/name`` of a repository, or a folder.
        revision : str | None
            Branch, tag or commit of the repository.
        token : str | None
            As for ``huggingface_hub.snapshot_download``.
        **arguments : Any
            ``device`` and ``models``, as in :meth:`load`.

        Returns
        -------
        BOLDPredictor
            Fitted.

        Raises
        ------
        PredictorError
            As :meth:`load`.
        ImportError
            If huggingface_hub is needed and not installed.
        """
        if Path(source).is_dir():
            return cls.load(source, **arguments)
        return cls.load(hub.download(str(source), revision, token), **arguments)
