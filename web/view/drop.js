/** Files that the author drops or chooses. */

/**
 * Files that are dropped on an element go no further: the page behind takes dropped files too. Call `take(file)` with the first file of each drop; the element carries the class `dropping` while one hovers.
 */
export function takeFiles(element, take) {
  const hover = (event, over) => {
    if (event.dataTransfer?.types.includes("Files")) {
      event.preventDefault();
      event.stopPropagation();
      element.classList.toggle("dropping", over);
    }
  };
  element.addEventListener("dragenter", (event) => hover(event, true));
  element.addEventListener("dragover", (event) => hover(event, true));
  element.addEventListener("dragleave", (event) => !element.contains(event.relatedTarget) && hover(event, false));
  element.addEventListener("drop", (event) => {
    const [file] = event.dataTransfer?.files ?? [];
    if (file) {
      event.preventDefault();
      event.stopPropagation();
      element.classList.remove("dropping");
      take(file);
    }
  });
}

/** Call `take(file)` with the file that was chosen in a file input, and empty the input. */
export function chosen(input, take) {
  const [file] = input.files;
  input.value = "";
  if (file) {
    take(file);
  }
}
