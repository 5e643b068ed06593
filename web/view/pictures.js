/** Pictures of outputs: the small one that the record keeps, and the large one where there still is one. */

import { Record } from "../api.js";
import { h } from "./dom.js";

/** `address(path)` is the address of a route of the host. */
export class Pictures {
  #address;

  constructor(address) {
    this.#address = address;
    this.small = this.small.bind(this);
    this.full = this.full.bind(this);
  }

  /** The thumbnail of an output; nothing where there is none any more. */
  small(sha256) {
    const image = h("img", { alt: "", loading: "eager", decoding: "async", draggable: "false", src: this.#address(Record.thumbnailPath(sha256)) });
    image.addEventListener("error", () => image.classList.add("gone"), { once: true });
    return image;
  }

  /** The picture as the record kept it, else the file of that name as it is now, else the thumbnail. */
  full(output) {
    const sources = [];
    if (output.kept) {
      sources.push(this.#address(Record.objectPath(output.kept)));
    }
    if (output.file && output.type && (output.media_type ?? "").startsWith("image/")) {
      const at = output.file.lastIndexOf("/");
      const place = { filename: output.file.slice(at + 1), subfolder: at < 0 ? "" : output.file.slice(0, at), type: output.type };
      sources.push(this.#address(`/view?${new URLSearchParams(place)}`));
    }
    sources.push(this.#address(Record.thumbnailPath(output.sha256)));
    const image = h("img", { alt: output.file ?? "", decoding: "async", draggable: "false", src: sources.shift() });
    image.addEventListener("error", () => {
      if (sources.length > 0) {
        image.src = sources.shift();
      } else {
        image.classList.add("gone");
      }
    });
    return image;
  }
}
