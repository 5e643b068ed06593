"""An embedded host for the pack: ComfyUI's contract on torch, with no ComfyUI and no downloaded models.

`demo.host` speaks the contract (queue, executor, HTTP, websocket, folder paths), `demo.stock` holds nodes under
ComfyUI's own names, and the rest is the small painter behind them. Nothing here imports the pack: the host loads it
as a custom node folder, exactly as ComfyUI would.
"""
