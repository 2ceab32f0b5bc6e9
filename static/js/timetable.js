// The booking page's timetable: free time is selected by dragging or by keyboard, and what is selected
// is written into the plain form beside it, which works without any of this.
import { Pick } from "./pick.js";
import { Week } from "./week.js";

const SHORTEST = 2; // quarter hours: no policy allows less than 30 minutes
const USUAL = 4; // one hour, when a cell is pressed and not dragged over
const FINE = 4; // below so many pixels a quarter hour, a drag snaps to whole hours

class Timetable {
  constructor(root, form) {
    this.root = root;
    this.form = form;
    this.week = new Week(root.dataset);
    this.live = root.querySelector("[data-live]");
    this.picks = new Map(); // device uid -> Pick
    this.from = this.to = 0;
    root.addEventListener("pointerdown", (event) => this.press(event));
    root.addEventListener("pointermove", (event) => this.drag(event));
    root.addEventListener("pointerup", (event) => this.release(event));
    root.addEventListener("pointercancel", () => (this.anchor = null));
    root.addEventListener("click", (event) => this.click(event));
    root.addEventListener("keydown", (event) => this.key(event));
    // Not for the boxes that only show or hide rows.
    root.addEventListener("change", (event) => event.target.name === "device" && this.typed());
    form.addEventListener("change", () => this.typed());
    // The preview may ask which of two times is meant.
    document.querySelector("#preview").addEventListener("change", () => form.dispatchEvent(new Event("picked")));
    this.read();
  }

  // --- where things are ---
  get isList() {
    // Not of a cell: on a phone some are not shown at all.
    return getComputedStyle(this.root.querySelector("table")).display === "block";
  }

  quarterAt(x) {
    const cell = this.root.querySelector("tr[data-device] td").getBoundingClientRect();
    const right = this.root.querySelector("table").getBoundingClientRect().right;
    const width = right - cell.left;
    return { quarter: ((x - cell.left) / width) * this.week.quarters, size: width / this.week.quarters };
  }

  cellFor(row, from, to) {
    return [...row.querySelectorAll("td[data-free]")].find(
      (cell) => Number(cell.dataset.first) <= from && to <= Number(cell.dataset.last),
    );
  }

  rowsOf(row) {
    return [...row.parentElement.querySelectorAll("tr[data-device]")];
  }

  // --- selecting ---
  select(rows, from, to) {
    this.clear();
    for (const row of rows) {
      const cell = this.cellFor(row, from, to);
      if (cell) this.picks.set(row.dataset.device, new Pick(row, cell, this.week, this.root.dataset.selected));
    }
    [this.from, this.to] = [from, to];
    for (const pick of this.picks.values()) pick.show(from, to);
  }

  clear() {
    let button = null;
    for (const pick of this.picks.values()) button = pick.drop();
    this.picks.clear();
    return button;
  }

  move(from, to) {
    const fits = [...this.picks.values()].every((pick) => pick.fits(from, to));
    if (!fits || to - from < SHORTEST) {
      this.live.textContent = this.root.dataset.edge;
      return;
    }
    [this.from, this.to] = [from, to];
    for (const pick of this.picks.values()) pick.show(from, to);
    this.write();
  }

  // --- pointer ---
  press(event) {
    const button = event.target.closest("button.slot");
    // A finger scrolls; it picks by tapping, which arrives as a click.
    if (!button || event.button || event.pointerType === "touch" || this.isList) return;
    const row = button.closest("tr");
    const isChosen = button.getAttribute("aria-pressed") === "true";
    if (isChosen) return;
    const cell = button.closest("td");
    this.anchor = { row, first: Number(cell.dataset.first), last: Number(cell.dataset.last), x: event.clientX };
    this.anchor.moved = false;
    this.root.setPointerCapture(event.pointerId);
    event.preventDefault();
  }

  drag(event) {
    if (!this.anchor) return;
    const { anchor } = this;
    const below = document.elementFromPoint(event.clientX, event.clientY)?.closest("tr[data-device]");
    if (Math.abs(event.clientX - anchor.x) < 4 && (!below || below === anchor.row) && !anchor.moved) return;
    anchor.moved = true;
    const rows = this.rowsOf(anchor.row);
    if (rows.includes(below)) anchor.to = below;
    const ends = [rows.indexOf(anchor.row), rows.indexOf(anchor.to ?? anchor.row)].sort((a, b) => a - b);
    this.select(rows.slice(ends[0], ends[1] + 1), ...this.span(anchor, event.clientX));
  }

  // From where the drag began to where it is, on whole hours where quarters are too small to aim at.
  span(anchor, x) {
    const [one, other] = [this.quarterAt(anchor.x), this.quarterAt(x)];
    const step = one.size < FINE ? 4 : 1;
    const low = Math.min(one.quarter, other.quarter);
    const high = Math.max(one.quarter, other.quarter);
    const from = Math.max(anchor.first, Math.floor(low / step) * step);
    const to = Math.min(anchor.last, Math.ceil(high / step) * step);
    const end = Math.min(anchor.last, Math.max(to, from + SHORTEST));
    return [Math.max(anchor.first, Math.min(from, end - SHORTEST)), end];
  }

  release(event) {
    const { anchor } = this;
    this.anchor = null;
    if (!anchor) return;
    if (!anchor.moved) this.select([anchor.row], ...this.usual(anchor, this.quarterAt(event.clientX)));
    this.picks.get(anchor.row.dataset.device)?.button.focus();
    this.write();
  }

  // One hour around where the pointer was, or from the cell's beginning.
  usual(cell, at) {
    const step = at && at.size < FINE ? 4 : 1;
    const wanted = at ? Math.floor(at.quarter / step) * step : cell.first;
    const from = Math.max(cell.first, Math.min(wanted, cell.last - SHORTEST));
    return [from, Math.min(cell.last, from + USUAL)];
  }

  click(event) {
    const button = event.target.closest("button.slot");
    if (!button) return;
    event.preventDefault(); // without this module the button asks the server
    const cell = button.closest("td");
    const row = button.closest("tr");
    if (button.getAttribute("aria-pressed") === "true") {
      this.toggle(row);
    } else if (event.detail === 0 || event.pointerType === "touch" || this.isList) {
      const place = { first: Number(cell.dataset.first), last: Number(cell.dataset.last) };
      this.select([row], ...this.usual(place, null));
      this.picks.get(row.dataset.device)?.button.focus();
      this.write();
    }
  }

  toggle(row) {
    const pick = this.picks.get(row.dataset.device);
    this.picks.delete(row.dataset.device);
    pick.drop().focus();
    this.write();
  }

  // --- keyboard ---
  key(event) {
    const button = event.target.closest("button.slot");
    if (!button || event.ctrlKey || event.metaKey || event.altKey) return;
    const isChosen = button.getAttribute("aria-pressed") === "true";
    const done = isChosen ? this.adjust(event, button.closest("tr")) : this.walk(event, button);
    if (done) event.preventDefault();
  }

  adjust(event, row) {
    if (event.key === "Escape") {
      this.clear()?.focus();
      this.write();
      return true;
    }
    if (event.key === "Enter") {
      // What is selected is priced beside the table, many free cells away by Tab. Space lets it go.
      if (!event.repeat) document.querySelector("#preview").focus();
      return true;
    }
    if (event.shiftKey) return this.widen(event.key, row);
    const edges = { ArrowRight: [0, 1], ArrowLeft: [0, -1], ArrowDown: [1, 0], ArrowUp: [-1, 0] }[event.key];
    if (edges) this.move(this.from + edges[0], this.to + edges[1]);
    return Boolean(edges);
  }

  // Shift and an arrow: the next device down or up joins; going back lets it go again.
  widen(key, row) {
    const step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (!step) return false;
    const rows = this.rowsOf(row);
    const next = rows[rows.indexOf(row) + step];
    if (!next) return true;
    if (this.picks.has(next.dataset.device)) {
      this.picks.get(row.dataset.device).drop();
      this.picks.delete(row.dataset.device);
    } else {
      const cell = this.cellFor(next, this.from, this.to);
      if (!cell) {
        this.live.textContent = this.root.dataset.busy;
        return true;
      }
      const pick = new Pick(next, cell, this.week, this.root.dataset.selected);
      pick.show(this.from, this.to);
      this.picks.set(next.dataset.device, pick);
    }
    this.picks.get(next.dataset.device).button.focus();
    this.write();
    return true;
  }

  // Arrows between free cells: along a device, or to the device above or below.
  walk(event, button) {
    const row = button.closest("tr");
    const own = [...row.querySelectorAll("button.slot")];
    const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return false;
    if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      own[own.indexOf(button) + step]?.focus();
      return true;
    }
    const rows = [...this.root.querySelectorAll("tr[data-device]")].filter((one) => one.querySelector("button.slot"));
    rows[rows.indexOf(row) + step]?.querySelector("button.slot").focus();
    return true;
  }

  // --- the form ---
  boxes() {
    return [...this.root.querySelectorAll("input[name='device']")];
  }

  write() {
    for (const box of this.boxes()) box.checked = this.picks.has(box.value);
    if (this.picks.size) {
      this.form.elements.start.value = this.week.local(this.from);
      this.form.elements.end.value = this.week.local(this.to);
      this.form.elements.now.checked = this.from === this.week.present;
      this.tell("start_second", this.from);
      this.tell("end_second", this.to);
    }
    this.say();
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.form.dispatchEvent(new Event("picked")), 250);
  }

  // A picked time is exact; where clocks show it twice the form must say which is meant.
  tell(name, quarter) {
    this.form.querySelector(`input[type=hidden][name='${name}']`)?.remove();
    if (!this.week.isTwice(quarter)) return;
    const input = Object.assign(document.createElement("input"), { type: "hidden", name });
    input.value = this.week.isSecond(quarter) ? "1" : "0";
    this.form.append(input);
  }

  typed() {
    for (const name of ["start_second", "end_second"]) {
      this.form.querySelector(`input[type=hidden][name='${name}']`)?.remove();
    }
    this.read();
    this.form.dispatchEvent(new Event("picked"));
  }

  // Show what the form holds, where this week has it free.
  read() {
    const { start, end, now } = this.form.elements;
    const second = (name) => this.form.querySelector(`[name='${name}']`)?.value === "1";
    const from = now.checked ? this.week.present : this.week.find(start.value, second("start_second"));
    const to = this.week.find(end.value, second("end_second"));
    const rows = this.boxes().filter((box) => box.checked).map((box) => box.closest("tr"));
    this.clear();
    if (from !== null && to !== null && to - from >= SHORTEST) this.select(rows, from, to);
    this.say();
  }

  say() {
    const { dataset } = this.root;
    const count = this.picks.size;
    const template = count === 1 ? dataset.one : dataset.many;
    const when = this.week.between(this.from, this.to);
    this.live.textContent = count ? template.replace("{count}", count).replace("{when}", when) : dataset.none;
    const dock = document.querySelector("[data-dock]");
    if (dock) dock.hidden = !count;
    if (dock && count) dock.querySelector("[data-dock-text]").textContent = this.live.textContent;
  }
}

const root = document.querySelector("[data-timetable]");
const form = document.querySelector("#slot");
if (root && form && root.querySelector("tr[data-device]")) new Timetable(root, form);
