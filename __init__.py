"""Provenance for ComfyUI: what ComfyUI imports. Outside a host, importing this does nothing."""
