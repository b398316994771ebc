"""Networks that predict BOLD from windows of EEG.

Importing this package registers them with braindecode.
"""

from ._encoder_files import encoder_card, save_encoder
from ._registry import register
from .beira import BEIRA
from .biot_bold import BIOTBOLD
from .bold_net import BOLDFlow, BOLDNet
from .checkpoints import PUBLISHED_CHANNELS, CheckpointError, load_published_weights
from .cnn_transformer import CNNTransformer
from .ffcl import FFCL
from .joined import JoinedRegions
from .labram_bold import LabramBOLD
from .neurobolt import NeuroBOLT
from .siren_ed import SirenED
from .st_transformer import STTransformer

#: Networks by name, NeuroBOLT first, as in the paper's tables.
NETWORKS = {
    model.__name__: model
    for model in (
        NeuroBOLT,
        LabramBOLD,
        BIOTBOLD,
        BEIRA,
        SirenED,
        FFCL,
        CNNTransformer,
        STTransformer,
        BOLDNet,
        BOLDFlow,
    )
}

for _network in NETWORKS.values():
    register(_network)

__all__ = [
    "BEIRA",
    "BIOTBOLD",
    "BOLDFlow",
    "BOLDNet",
    "FFCL",
    "NETWORKS",
    "PUBLISHED_CHANNELS",
    "CNNTransformer",
    "CheckpointError",
    "JoinedRegions",
    "LabramBOLD",
    "NeuroBOLT",
    "STTransformer",
    "SirenED",
    "encoder_card",
    "load_published_weights",
    "save_encoder",
]
