// A field that offers what fits: Enter takes the first that does, and leaves the form to its buttons.

export function chooseByEnter(root) {
  root.addEventListener("keydown", (press) => {
    const field = press.target;
    if (press.key !== "Enter" || press.isComposing || !(field instanceof HTMLInputElement) || !field.list) return;
    press.preventDefault();
    const typed = field.value.trim().toLowerCase();
    const offered = [...field.list.options];
    if (!typed || offered.some((one) => one.value === field.value)) return;
    const first = offered.find((one) => `${one.value} ${one.text}`.toLowerCase().includes(typed));
    if (!first) return;
    field.value = first.value;
    field.dispatchEvent(new Event("change", { bubbles: true }));
  });
}
