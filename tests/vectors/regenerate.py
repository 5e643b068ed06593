"""Makes the golden parts of the vectors from their inputs. See README.md beside this file."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent


def _pack() -> None:
    """The repository's root is the package, installed or not."""
    root = HERE.parent.parent
    spec = importlib.util.spec_from_file_location(
        "comfy_provenance", root / "__init__.py", submodule_search_locations=[str(root)]
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["comfy_provenance"] = module
    spec.loader.exec_module(module)


if "comfy_provenance" not in sys.modules:
    _pack()

from comfy_provenance.provenance.seal import checkpoint, dsse, merkle  # noqa: E402
from comfy_provenance.provenance.seal.keys import Signer  # noqa: E402

Case = dict[str, Any]


def keys(case: Case) -> Case:
    public = Signer.from_seed(bytes.fromhex(case["seed"])).public
    return {
        "public": public.raw.hex(),
        "key_id": public.key_id,
        "writer_id": public.writer_id,
        "fingerprint": public.fingerprint,
        "openssh": public.openssh("vector"),
        "pem": public.pem,
    }


def envelopes(case: Case) -> Case:
    payload = dsse.statement(case["subject"], case["predicate_type"], case["predicate"])
    signer = Signer.from_seed(bytes.fromhex(case["seed"]))
    return {"payload": payload.decode(), "envelope": dsse.seal(payload, signer).decode()}


def trees(case: Case) -> Case:
    leaves = [merkle.leaf_hash(b"entry %d" % number) for number in range(case["size"])]
    frontier = merkle.Frontier()
    for leaf in leaves:
        frontier = frontier.append(leaf)
    inclusion = merkle.inclusion_proof(case["index"], case["size"], leaves)
    consistency = merkle.consistency_proof(case["first"], case["size"], leaves)
    return {
        "root": frontier.root.hex(),
        "frontier": frontier.to_bytes().hex(),
        "inclusion": [value.hex() for value in inclusion],
        "consistency": [value.hex() for value in consistency],
    }


def checkpoints(case: Case) -> Case:
    signer = Signer.from_seed(bytes.fromhex(case["seed"]))
    origin = checkpoint.origin_of(signer.public)
    note = checkpoint.sign(origin, case["size"], bytes.fromhex(case["root"]), signer)
    return {"origin": origin, "vkey": checkpoint.vkey(signer.public), "note": note.decode()}


MAKERS = {"keys": keys, "dsse": envelopes, "merkle": trees, "checkpoint": checkpoints}


def regenerated(name: str) -> tuple[str, str]:
    """The file as it is, and as its inputs make it."""
    text = (HERE / "seal" / f"{name}.json").read_text(encoding="utf-8")
    document = json.loads(text)
    for case in document["golden"]:
        case["expected"] = MAKERS[name](case["input"])
    return text, json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def main(arguments: list[str]) -> int:
    changed = []
    for name in MAKERS:
        before, after = regenerated(name)
        if before != after:
            changed.append(name)
            if "--write" in arguments:
                (HERE / "seal" / f"{name}.json").write_text(after, encoding="utf-8", newline="\n")
    for name in changed:
        print(f"seal/{name}.json {'written' if '--write' in arguments else 'would change'}")
    return 1 if changed and "--write" not in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
