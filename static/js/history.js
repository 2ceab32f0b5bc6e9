// Going back twice in a moment asks for two pages: the one that was passed by must not come in last.

export function dropPassedPages(root) {
  let asked = null;
  root.addEventListener("htmx:historyCacheMiss", (event) => {
    asked?.abort();
    asked = event.detail.xhr;
  });
}
