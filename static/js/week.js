// One week as its reader lives it: quarter hours counted from its first local midnight. A quarter
// hour is a quarter hour of real time, so the nights on which clocks change need no case of their own.

export const QUARTER = 15 * 60 * 1000;

export class Week {
  constructor(data) {
    this.start = Date.parse(data.start);
    this.quarters = Number(data.quarters);
    this.present = data.present === "" ? null : Number(data.present);
    const zone = { timeZone: data.zone, hourCycle: "h23" };
    const language = document.documentElement.lang || "en";
    this.weekday = new Intl.DateTimeFormat(language, { timeZone: data.zone, weekday: "short" });
    this.clock = new Intl.DateTimeFormat("en-GB", { ...zone, hour: "2-digit", minute: "2-digit" });
    this.stamp = new Intl.DateTimeFormat("sv-SE", { ...zone, dateStyle: "short", timeStyle: "short" });
    this.units = data.units.split(" ");
  }

  // "Mon 14:00"
  said(quarter) {
    const instant = this.start + quarter * QUARTER;
    return `${this.weekday.format(instant)} ${this.clock.format(instant)}`;
  }

  // "Mon 14:00 – Tue 02:00, 12 h"
  between(first, last) {
    return `${this.said(first)} – ${this.said(last)}, ${this.length(last - first)}`;
  }

  length(quarters) {
    const counts = [Math.floor(quarters / 96), Math.floor((quarters % 96) / 4), (quarters % 4) * 15];
    const parts = counts.map((count, index) => (count ? `${count} ${this.units[index]}` : ""));
    return parts.filter(Boolean).slice(0, 2).join(" ");
  }

  // "2026-11-24T14:00", as <input type="datetime-local"> wants it
  local(quarter) {
    return this.stamp.format(this.start + quarter * QUARTER).replace(" ", "T");
  }

  // Whether the clock shows this time for the second time, after it was set back.
  isSecond(quarter) {
    const shown = this.local(quarter);
    return [2, 4].some((back) => this.local(quarter - back) === shown);
  }

  isTwice(quarter) {
    const shown = this.local(quarter);
    return this.isSecond(quarter) || [2, 4].some((on) => this.local(quarter + on) === shown);
  }

  // The quarter hour that a clock shows as `local`, or null outside this week.
  find(local, second) {
    if (!this.index) {
      this.index = new Map();
      for (let quarter = this.quarters; quarter >= 0; quarter -= 1) {
        this.index.set(`${this.local(quarter)}${this.isSecond(quarter) ? " again" : ""}`, quarter);
      }
    }
    const key = local.slice(0, 16);
    return (second ? this.index.get(`${key} again`) : undefined) ?? this.index.get(key) ?? null;
  }
}
