"""ComfyUI's contract, as far as a node pack and the real frontend can see it.

One host per process at a time, as with ComfyUI itself: a pack finds the host through module names
(`server`, `folder_paths`, ...), and those are global to the process.
"""
