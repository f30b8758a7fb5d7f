/** The time as pages show it: steps often enough for "1 min ago" to be true, and no oftener. */

const STEP_MS = 20_000;
let now = $state(Date.now());
let ticking: ReturnType<typeof setInterval> | undefined;

/** The time now; what reads it in a template is drawn again as time goes by. */
export function clock(): number {
  return now;
}

/** Lets it step for as long as the window lives, also at once when the window is looked at again. */
export function startClock(): void {
  const step = () => (now = Date.now());
  ticking ??= setInterval(step, STEP_MS);
  document.addEventListener('visibilitychange', step);
}

/** A message that came this moment is not from the future. */
export function touchClock(): void {
  now = Date.now();
}
