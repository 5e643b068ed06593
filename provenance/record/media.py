"""What kind of file these bytes are: by content first, by name where content does not tell. Pure."""

from __future__ import annotations

UNKNOWN = "application/octet-stream"
PICTURES = frozenset({"image/png", "image/jpeg", "image/webp", "image/gif", "image/avif", "image/bmp", "image/tiff"})
HEAD = 64  # bytes of a file's start that `media_type` can use

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"v/1\x01", "image/x-exr"),
    (b"fLaC", "audio/flac"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
    (b"glTF", "model/gltf-binary"),
    (b"ply\n", "model/ply"),
    (b"ply\r\n", "model/ply"),
    (b"%PDF-", "application/pdf"),
    (b"8BPS", "image/vnd.adobe.photoshop"),
    (b"gimp xcf", "image/x-xcf"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_BRANDS = {b"avif": "image/avif", b"avis": "image/avif", b"qt  ": "video/quicktime", b"M4A ": "audio/mp4"}
_NAMES = {
    "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp", "gif": "image/gif",
    "avif": "image/avif", "bmp": "image/bmp", "tif": "image/tiff", "tiff": "image/tiff", "exr": "image/x-exr",
    "svg": "image/svg+xml", "mp4": "video/mp4", "m4v": "video/mp4", "mov": "video/quicktime", "webm": "video/webm",
    "mkv": "video/x-matroska", "avi": "video/x-msvideo", "wav": "audio/wav", "flac": "audio/flac", "mp3": "audio/mpeg",
    "ogg": "audio/ogg", "opus": "audio/ogg", "m4a": "audio/mp4", "aac": "audio/aac", "glb": "model/gltf-binary",
    "gltf": "model/gltf+json", "obj": "model/obj", "ply": "model/ply", "stl": "model/stl", "fbx": "model/fbx",
    "usdz": "model/vnd.usdz+zip", "spz": "model/x-spz", "splat": "model/x-splat",
    "safetensors": "application/x-safetensors", "latent": "application/x-comfyui-latent",
    "psd": "image/vnd.adobe.photoshop", "psb": "image/vnd.adobe.photoshop", "xcf": "image/x-xcf",
    "kra": "application/x-krita", "ora": "image/openraster", "ai": "application/illustrator",
    "clip": "application/x-clip-studio", "procreate": "application/x-procreate", "sai2": "application/x-sai2",
    "afphoto": "application/x-affinity-photo", "blend": "application/x-blender",
    "flow": "application/x-lightdiffusionflow+json", "txt": "text/plain", "md": "text/markdown", "csv": "text/csv",
    "srt": "application/x-subrip", "json": "application/json", "html": "text/html", "pdf": "application/pdf",
}  # fmt: skip


def media_type(head: bytes, name: str) -> str:
    """The media type of a file from its first `HEAD` bytes and its name; `UNKNOWN` when neither tells.

    Not checked: that the rest of the file is well-formed.
    """
    for start, found in _STARTS:
        if head.startswith(start):
            return found
    if head[:4] == b"RIFF" and head[8:12] in _RIFF:
        return _RIFF[head[8:12]]
    by_name = named_type(name)
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], by_name if by_name.startswith(("video/", "audio/")) else "video/mp4")
    if head[:4] == b"\x1a\x45\xdf\xa3":
        return "video/webm" if b"webm" in head or by_name == "video/webm" else "video/x-matroska"
    if head[:4] == b"OggS":
        return "video/ogg" if b"theora" in head else "audio/ogg"
    if head[:2] == b"BM" and by_name == "image/bmp":
        return by_name
    # A name may say what content cannot (text, OBJ, STL), but a name alone makes no picture.
    return UNKNOWN if by_name in PICTURES else by_name


def named_type(name: str) -> str:
    """The media type that a file name claims; `UNKNOWN` when it claims none."""
    return _NAMES.get(name.rpartition(".")[2].lower(), UNKNOWN) if "." in name else UNKNOWN
