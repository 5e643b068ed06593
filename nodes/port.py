"""The one opening between the nodes and everything else. The host side implements it.

Every call is made on the thread that runs the node, in the middle of a generation: none may raise (save_path
excepted), block on the network or on the ledger, or hash anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from torch import Tensor


class Context(NamedTuple):
    """Where a node function runs: in which recorded execution, as which node, on which item of a list input."""

    execution: str
    node: str
    list_index: int | None


class StockNode(NamedTuple):
    """A node class as the host registered it, and the name that its page shows for it."""

    cls: type
    display_name: str


class SavePath(NamedTuple):
    """Where to write: `folder` is absolute and exists, `subfolder` is what the page is told.

    Files are named `<filename>_<counter:05>_.<ending>`; `filename` may hold `%batch_num%`.
    """

    folder: str
    filename: str
    counter: int
    subfolder: str


class Finish(NamedTuple):
    """A file's bytes as they are to be written, and what became of each wish: {"label", "c2pa", "signer"}."""

    data: bytes
    told: Mapping[str, Any]


class Wishes(NamedTuple):
    """What a saved file is to carry beside its pixels: a Content Credential, China's AI label, its producer's name."""

    credentials: bool = False
    ai_label: bool = False
    producer: str = ""


class Port(Protocol):
    """What nodes may ask of the host."""

    def context(self) -> Context | None:
        """Say which recorded execution and node the calling code runs for.

        None outside a recorded run (recording paused, not installed, or the call comes from validation).
        """

    def observe(
        self, context: Context, class_type: str, values: Mapping[str, Any], tensors: Mapping[str, Tensor]
    ) -> None:
        """Hand over what a node saw. Ownership passes: both mappings are fresh, and the tensors are private.

        values: finite JSON, as `samplers`, `encoders` and `intent` describe. tensors: name to CPU tensor, to be
        digested elsewhere. Never raises, never blocks; what cannot be kept is counted as missed by the receiver.
        """

    def problem(self, text: str) -> None:
        """Report that observing failed although the run goes on. One clear line. Never raises."""

    def stock_nodes(self) -> Mapping[str, StockNode]:
        """Node classes that come with the host, by class id: no custom packs, and none of ours."""

    def recent_outputs(self, kind: str) -> Sequence[str]:
        """Earlier outputs that still exist, newest first, as annotated names (`sub/name.png [output]`).

        kind: `image` or `latent`. Asked each time the page reads the node definitions, so the answer comes from
        the index, is bounded (a few hundred), and is empty when the ledger is not open yet.
        """

    def save_path(self, prefix: str, width: int, height: int, kind: str) -> SavePath:
        """Resolve a file name prefix like the host's own save nodes do, and make the folder.

        kind: `output` or `temp`. Raises what the host raises for a prefix that leaves the folder.
        """

    def embeds_workflow(self) -> bool:
        """Whether the host's user allows workflows in saved files (False with `--disable-metadata`)."""

    def finish(
        self, context: Context | None, data: bytes, name: str, media_type: str, prompt: Any, wishes: Wishes
    ) -> Finish:
        """Put into a file, just before it is written, what the author asks for.

        prompt: the API prompt, from which the files and models above the node are told. Reads those files and signs:
        tens of milliseconds, and up to half a second in all until the run's own entry is there to be named. Never
        raises: what cannot be put in is left out, told in the result and on the page.
        """

    def receipt(self, context: Context) -> Mapping[str, Any] | None:
        """What a saved file carries to be found again: {"v": 1, "execution", "ledger", "key"}.

        None while the ledger is not open. Holds no secret and nothing about the author.
        """
