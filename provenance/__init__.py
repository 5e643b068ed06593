"""The core: records, seals, stores and reads back. It knows nothing of ComfyUI."""
