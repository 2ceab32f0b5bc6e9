// Draws the Plotly figures of a page from its .json twin. What they show stands in tables too.

const NARROW = 480; // px: below this the names leave no room for bars, and the page's own drawing stays
const LANGUAGE = document.documentElement.lang || "en";
const CONFIG = { responsive: true, displayModeBar: false, locale: LANGUAGE };

// Plotly speaks English until it is given another language's names of days and months.
function names(style, count, date) {
  const writer = new Intl.DateTimeFormat(LANGUAGE, { ...style, timeZone: "UTC" });
  return Array.from({ length: count }, (_, index) => writer.format(date(index)));
}

function speak() {
  const day = (index) => new Date(Date.UTC(2026, 1, 1 + index)); // 1 February 2026 is a Sunday
  const month = (index) => new Date(Date.UTC(2026, index, 1));
  const format = {
    days: names({ weekday: "long" }, 7, day),
    shortDays: names({ weekday: "short" }, 7, day),
    months: names({ month: "long" }, 12, month),
    shortMonths: names({ month: "short" }, 12, month),
    date: "%d/%m/%Y", year: "%Y", month: "%b %Y", dayMonth: "%-d %b", dayMonthYear: "%-d %b %Y",
  };
  Plotly.register({ moduleType: "locale", name: LANGUAGE, dictionary: {}, format });
}
if (LANGUAGE !== "en") speak();

const probe = document.createElement("span");
probe.hidden = true;
document.body.append(probe);

// `var(--data)` as the reader's theme has it: only a used property resolves light-dark().
function resolve(token) {
  const property = token.includes("--font") ? "fontFamily" : "color";
  probe.style[property] = token;
  return getComputedStyle(probe)[property];
}

function themed(value) {
  if (typeof value === "string") return value.startsWith("var(--") ? resolve(value) : value;
  if (Array.isArray(value)) return value.map(themed);
  if (value && typeof value === "object" && !ArrayBuffer.isView(value)) {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, themed(inner)]));
  }
  return value;
}

const answers = new Map();
function twin(address) {
  if (!answers.has(address)) {
    answers.set(
      address,
      fetch(address).then((response) => {
        if (!response.ok) throw new Error(`${address}: ${response.status}`);
        return response.json();
      }),
    );
  }
  return answers.get(address);
}

async function draw(figure) {
  const fallback = figure.querySelector("[data-chart-fallback]");
  if (fallback && figure.clientWidth < NARROW) {
    fallback.hidden = false;
    figure.querySelector(".chart__plot")?.remove();
    return;
  }
  const { data, layout } = (await twin(figure.dataset.chartSrc)).charts[figure.dataset.chart];
  let plot = figure.querySelector(".chart__plot");
  if (!plot) {
    plot = document.createElement("div");
    plot.className = "chart__plot";
    plot.setAttribute("role", "img");
    plot.setAttribute("aria-label", figure.dataset.chartLabel);
    figure.append(plot);
  }
  if (fallback) fallback.hidden = true;
  const shown = themed(layout);
  // Hours of the day: on a phone every sixth is named, or their names touch.
  if (shown.xaxis?.type === "category" && figure.clientWidth < NARROW) shown.xaxis.nticks = 4;
  await Plotly.react(plot, themed(data), shown, CONFIG);
  figure.dataset.chartDrawn = "";
}

const figures = [...document.querySelectorAll("figure[data-chart-src]")];
const drawAll = () => Promise.all(figures.map((figure) => draw(figure)));

// The page is whole without its charts: a failure leaves the tables and one line in the console.
drawAll().catch((error) => console.error(error));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
new MutationObserver(drawAll).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia(`(max-width: ${NARROW + 32}px)`).addEventListener("change", drawAll);
