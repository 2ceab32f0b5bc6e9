// The masthead's clock. It is complete without this module: the server
// wrote the hour at which it answered, in the reader's time zone. Here they go on walking.

const SECOND = 1000;
const MINUTE = 60 * SECOND;

// How far the reader's zone is from UTC, worked out from the two hours that the server wrote.
function zoneOffset(clock, written) {
  const instant = new Date(clock.dateTime);
  const [hours, minutes] = written.split(":").map(Number);
  const shown = hours * 60 + minutes;
  const utc = instant.getUTCHours() * 60 + instant.getUTCMinutes();
  return (((shown - utc) % 1440) + 1440) % 1440;
}

function twoDigits(number) {
  return String(number).padStart(2, "0");
}

function startClock(clock) {
  const time = clock.querySelector("[data-clock-time]");
  if (!time) return;
  const offset = zoneOffset(clock, time.textContent.trim());
  // The server's hour plus what has passed here: a wrong clock on this machine does not show.
  const served = new Date(clock.dateTime).getTime();
  const opened = performance.now();
  const walk = () => {
    const now = new Date(served + performance.now() - opened + offset * MINUTE);
    time.textContent = `${twoDigits(now.getUTCHours())}:${twoDigits(now.getUTCMinutes())}`;
  };
  setInterval(walk, SECOND);
}

export function startClocks(root) {
  for (const clock of root.querySelectorAll("[data-clock]")) startClock(clock);
}
