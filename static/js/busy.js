// A button that has been pressed says so until the next page is there, and is not pressed twice.

export function markBusyForms(root) {
  root.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button || !button.classList.contains("button") || event.defaultPrevented) return;
    if (button.getAttribute("aria-busy") === "true") {
      event.preventDefault();
      return;
    }
    button.setAttribute("aria-busy", "true");
  });
  // A page that comes back from the browser's memory is ready again.
  addEventListener("pageshow", () => {
    for (const button of root.querySelectorAll("button[aria-busy='true']")) button.removeAttribute("aria-busy");
  });
}
