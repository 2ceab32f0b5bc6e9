// Part of one free cell, selected: the cell becomes up to three, and one again when let go. The cells
// stay a table's own, so that a screen reader hears device, state and times as for every other.

function freeCell(cell, week, first, last) {
  const part = cell.cloneNode(true);
  part.colSpan = last - first;
  part.dataset.first = first;
  part.dataset.last = last;
  part.querySelector(".slot__when").textContent = ` ${week.between(first, last)}`;
  return part;
}

export class Pick {
  constructor(row, cell, week, word) {
    Object.assign(this, { row, cell, week });
    this.first = Number(cell.dataset.first);
    this.last = Number(cell.dataset.last);
    this.chosen = cell.cloneNode(true);
    delete this.chosen.dataset.free;
    this.button = this.chosen.querySelector("button");
    this.button.className = "slot slot--selected";
    this.button.setAttribute("aria-pressed", "true");
    this.button.querySelector(".slot__who").textContent = word;
    cell.replaceWith(this.chosen);
    this.sides = [];
  }

  fits(from, to) {
    return this.first <= from && to <= this.last;
  }

  show(from, to) {
    for (const side of this.sides) side.remove();
    this.chosen.colSpan = to - from;
    this.button.querySelector(".slot__when").textContent = ` ${this.week.between(from, to)}`;
    this.sides = [];
    if (this.first < from) this.#side("before", this.first, from);
    if (to < this.last) this.#side("after", to, this.last);
  }

  #side(where, first, last) {
    const side = freeCell(this.cell, this.week, first, last);
    this.chosen[where](side);
    this.sides.push(side);
  }

  drop() {
    for (const side of this.sides) side.remove();
    this.chosen.replaceWith(this.cell);
    return this.cell.querySelector("button");
  }
}
