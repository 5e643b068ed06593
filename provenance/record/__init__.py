"""From what ComfyUI handed over to the plain values that are signed: pure, except where files are read."""
