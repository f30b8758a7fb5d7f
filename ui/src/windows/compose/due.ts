/** When a message is to be delivered: quick choices, and the days to choose from. Pure. */
import { minutes, time } from '../settings/notifications.svelte';

const HOUR_MS = 3_600_000;
/** Days offered by name: two months. */
const DAYS = 60;
/** "Tonight" and "tomorrow morning". */
const EVENING = 20;
const MORNING = 8;

export type Quick = 'hour' | 'tonight' | 'morning';

/** The choices that still make sense: there is no tonight once it is evening. */
export function quick(now: number): Record<Quick, number | null> {
  const tonight = new Date(now).setHours(EVENING, 0, 0, 0);
  const tomorrow = new Date(now);
  tomorrow.setDate(tomorrow.getDate() + 1);
  return {
    hour: now + HOUR_MS,
    tonight: tonight > now ? tonight : null,
    morning: tomorrow.setHours(MORNING, 0, 0, 0),
  };
}

/** The midnights of the days from today on. */
export function days(now: number): number[] {
  return Array.from({ length: DAYS }, (_, ahead) => {
    const day = new Date(now);
    day.setDate(day.getDate() + ahead);
    return day.setHours(0, 0, 0, 0);
  });
}

/** The midnight and the time of day of a time. */
export function parts(at: number): { day: number; time: string } {
  const date = new Date(at);
  const since = date.getHours() * 60 + date.getMinutes();
  return { day: new Date(at).setHours(0, 0, 0, 0), time: time(since) };
}

/** A day with a time as it was typed; null where that is none. */
export function at(day: number, typed: string): number | null {
  const since = minutes(typed);
  if (since === null) return null;
  return new Date(day).setHours(Math.floor(since / 60), since % 60, 0, 0);
}
