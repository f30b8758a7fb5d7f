/** Times in people's words. Pure: `now` and the locale come in. Times are milliseconds since 1970. */

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** The local calendar day as a key: equal for two times of the same day. */
export function dayOf(at: number): string {
  const d = new Date(at);
  const two = (n: number) => String(n).padStart(2, '0');
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())}`;
}

/** A day as a heading: today, yesterday, a weekday of the last week, or the date. */
export function dayName(at: number, now: number, locale: string): string {
  const days = Math.round((midnight(now) - midnight(at)) / (24 * HOUR));
  if (days === 0 || days === 1) {
    const words = new Intl.RelativeTimeFormat(locale, { numeric: 'auto' }).format(-days, 'day');
    return words.charAt(0).toLocaleUpperCase(locale) + words.slice(1);
  }
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return new Intl.DateTimeFormat(locale, {
    weekday: days > 0 && days < 7 ? 'long' : 'short',
    day: 'numeric',
    month: 'long',
    ...(sameYear ? {} : { year: 'numeric' }),
  }).format(at);
}

/** For a row: minutes within the hour, else the time of day (its day stands above it). */
export function shortTime(at: number, now: number, locale: string): string {
  const ago = now - at;
  if (ago >= 0 && ago < HOUR) {
    const minutes = Math.floor(ago / MINUTE);
    const words = new Intl.RelativeTimeFormat(locale, { numeric: 'auto', style: 'narrow' });
    return minutes === 0 ? words.format(0, 'second') : words.format(-minutes, 'minute');
  }
  return clockTime(at, locale);
}

/** The time of day. */
export function clockTime(at: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { timeStyle: 'short' }).format(at);
}

/** The whole time, for a message and for hover. */
export function fullTime(at: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: 'full', timeStyle: 'short' }).format(at);
}

/** Since when something lasts: the time today, else the day and the time. */
export function since(at: number, now: number, locale: string): string {
  return dayOf(at) === dayOf(now)
    ? clockTime(at, locale)
    : new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'short' }).format(at);
}

/** A time near now, either way: today's by the clock, of the days around by weekday, else by date. */
export function near(at: number, now: number, locale: string): string {
  const days = Math.abs(Math.round((midnight(now) - midnight(at)) / (24 * HOUR)));
  if (days === 0) return clockTime(at, locale);
  const sameYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  const date: Intl.DateTimeFormatOptions =
    days < 7
      ? { weekday: 'short' }
      : { day: 'numeric', month: 'short', ...(sameYear ? {} : { year: 'numeric' }) };
  const format = { ...date, hour: 'numeric', minute: '2-digit' } as const;
  return new Intl.DateTimeFormat(locale, format).format(at);
}

function midnight(at: number): number {
  return new Date(at).setHours(0, 0, 0, 0);
}
