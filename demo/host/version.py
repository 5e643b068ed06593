"""The version this host reports as `comfyui_version`: the ComfyUI whose contract it follows, marked as embedded."""

__version__ = "0.19.3-embedded"
