// The job page: the countdown ticks, and the log, state and files arrive while the job runs. The page
// is complete without this module; the log is then read by loading the page again.

const { units } = document.querySelector("[data-units]")?.dataset ?? { units: "d h min s" };
const names = units.split(" ");

// The two largest units, as the server writes them: "3 h 18 min", "14 s".
function duration(seconds) {
  const sizes = [86400, 3600, 60, 1];
  const parts = [];
  let left = Math.max(0, seconds);
  sizes.forEach((size, index) => {
    const count = Math.floor(left / size);
    left -= count * size;
    if (count || parts.length || size === 1) parts.push([count, names[index]]);
  });
  const two = parts.slice(0, 2);
  const shown = two.filter(([count]) => count);
  return (shown.length ? shown : two.slice(0, 1)).map(([count, unit]) => `${count}\u00a0${unit}`).join("\u00a0");
}

function tick(block) {
  const time = block.querySelector(".countdown__time");
  const done = block.querySelector(".countdown__done");
  const length = Number(block.dataset.length);
  // Counted from what the server said: a wrong clock on this machine does not show.
  const served = Number(block.dataset.seconds);
  const opened = performance.now();
  const timer = setInterval(() => {
    const left = Math.round(served - (performance.now() - opened) / 1000);
    time.textContent = duration(left);
    done.setAttribute("width", `${Math.min(100, Math.max(0, (100 * (length - left)) / length))}%`);
    if (left > 0) return;
    clearInterval(timer);
    setTimeout(() => location.reload(), 2000); // a slot began or ended: another page is true now
  }, 1000);
}

// What another state or a file changes is read again from the page; the log and whatever is being
// written in the form stay as they are.
async function refresh() {
  const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-part]")) {
    const fresh = page.querySelector(`[data-part="${part.dataset.part}"]`);
    part.replaceChildren(...(fresh ? fresh.childNodes : []));
  }
}

function follow(log) {
  const source = new EventSource(log.dataset.events);
  const said = document.querySelector("[data-log-state]");
  const say = (sentence) => said && (said.textContent = sentence);
  const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  let { seq, state } = log.dataset;
  source.addEventListener("log", (event) => {
    const piece = JSON.parse(event.data);
    if (piece.seq <= Number(seq)) return;
    seq = piece.seq;
    const stick = atEnd();
    log.append(document.createTextNode(piece.text)); // text only: a job's output is never markup
    if (stick) log.scrollTop = log.scrollHeight;
  });
  source.addEventListener("state", (event) => {
    const now = JSON.parse(event.data).state;
    if (now !== state) refresh();
    state = now;
  });
  source.addEventListener("file", () => refresh());
  source.addEventListener("end", () => {
    source.close();
    say(said?.dataset.over);
    setTimeout(refresh, 2000); // files and measures may be entered a moment after the end
  });
  source.addEventListener("open", () => say(said?.dataset.live));
  source.addEventListener("error", () => source.readyState === EventSource.CONNECTING && say(said?.dataset.broken));
  addEventListener("pagehide", () => source.close());
}

for (const block of document.querySelectorAll("[data-seconds]")) tick(block);
// Its end says how the job went, also where the page shows the log of one that is over.
for (const log of document.querySelectorAll(".log")) log.scrollTop = log.scrollHeight;
for (const log of document.querySelectorAll("[data-events]")) follow(log);
