"""The pages for people: one HTML file, in English and Chinese, without scripts, for screen and paper. Pure."""
