// After a form was sent, reading goes on where the answer stands: at what was refused, else at what was said.

// Only in forms that are sent: the style guide shows refusals that nobody met.
const SENT = "main form[method='post' i]";
const REFUSED = `${SENT} .notice--bad[role='alert'], ${SENT} [aria-invalid='true']`;
const SAID = "main > [role='status']";

export function startWhereAnswered(root) {
  const refused = root.querySelector(REFUSED);
  const answer = refused || root.querySelector(SAID);
  // A field that asks for the first word itself, and an address that names a place, come before what was said.
  const isElsewhere = root.activeElement !== root.body || location.hash;
  if (!answer || (isElsewhere && !refused)) return;
  if (!answer.matches("input, select, textarea, button")) answer.setAttribute("tabindex", "-1");
  answer.focus({ preventScroll: answer.matches(SAID) });
}
