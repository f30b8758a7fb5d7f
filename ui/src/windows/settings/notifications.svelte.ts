/**
 * The settings page's part on notifications: the pause, the switches, quiet hours, mutes, consents.
 *
 * Owns the quiet hours as they are being written: they are saved when they can be meant, and what is
 * wrong stands beside them until then. All other values are the desk's.
 */
import { reason } from '../../lib/backend/backend';
import type { Consent, Mute, Notifications, Pause, QuietHours } from '../../lib/backend/bindings';
import type { Desk } from '../../lib/desk.svelte';
import { m } from '../../lib/words/messages.js';

const DAY_MINUTES = 24 * 60;

/** Quiet hours as they stand in the form. */
export interface Written {
  days: number[];
  from: string;
  to: string;
}

/** Minutes after midnight of a time such as 22:00; null for what is none. */
export function minutes(time: string): number | null {
  const parts = /^(\d{1,2}):(\d{2})$/.exec(time.trim());
  if (!parts) return null;
  const [hour, minute] = [Number(parts[1]), Number(parts[2])];
  return hour < 24 && minute < 60 ? hour * 60 + minute : null;
}

export function time(minutes: number): string {
  const two = (n: number) => String(n).padStart(2, '0');
  return `${two(Math.floor(minutes / 60) % 24)}:${two(minutes % 60)}`;
}

/** What is wrong with quiet hours as they are written; null where nothing is. */
export function wrong(written: Written): string | null {
  if (written.days.length === 0) return m.quiet_days_none();
  const times = [minutes(written.from), minutes(written.to)];
  return times.includes(null) ? m.quiet_time_wrong() : null;
}

export class NotificationSettings {
  hours = $state<Written[]>([]);
  consents = $state.raw<Consent[]>([]);
  error = $state('');

  /** The quiet hours that the form was filled with, or that it saved last. */
  #known = '';

  constructor(private readonly desk: Desk) {
    this.take(desk.settings.notifications.hours);
  }

  /** Takes over quiet hours that are not the form's own: read later, or changed elsewhere. */
  take(hours: QuietHours[]): void {
    const said = JSON.stringify(hours);
    if (said === this.#known) return;
    this.#known = said;
    this.#fill(hours);
  }

  /** Follows what is allowed, for as long as the page stands; gives what ends it. */
  follow(): () => void {
    return this.desk.onBack(() => void this.#read());
  }

  pause(pause: Pause): Promise<void> {
    return this.#try(async () => {
      this.desk.status = await this.desk.ask({ do: 'pause', pause });
    });
  }

  set(change: Partial<Notifications>): Promise<void> {
    return this.#try(async () => {
      const before = this.desk.settings;
      const notifications = { ...before.notifications, ...change };
      // At once: the answer only confirms it.
      this.desk.settings = { ...before, notifications };
      try {
        const settings = { ...before, notifications };
        this.desk.settings = await this.desk.ask({ do: 'set-settings', settings });
      } catch (error) {
        this.desk.settings = before;
        throw error;
      }
    });
  }

  unmute(mute: Mute): Promise<void> {
    return this.#try(async () => {
      this.desk.settings = await this.desk.ask({ do: 'mute', mute, on: false });
    });
  }

  revoke(id: number): Promise<void> {
    return this.#try(async () => {
      this.consents = await this.desk.ask({ do: 'revoke', id });
    });
  }

  /** Nights of working days, as most people mean it first. */
  addHours(): Promise<void> {
    this.hours.push({ days: [1, 2, 3, 4, 5], from: '22:00', to: '07:00' });
    return this.saveHours();
  }

  removeHours(place: number): Promise<void> {
    this.hours.splice(place, 1);
    return this.saveHours();
  }

  day(place: number, day: number, on: boolean): Promise<void> {
    const written = this.hours[place];
    if (written) {
      const others = written.days.filter((d) => d !== day);
      written.days = on ? [...others, day].sort((a, b) => a - b) : others;
    }
    return this.saveHours();
  }

  /** Saves the quiet hours, once all of them can be meant. */
  saveHours(): Promise<void> {
    if (this.hours.some((written) => wrong(written) !== null)) return Promise.resolve();
    const hours: QuietHours[] = this.hours.map((written) => ({
      days: [...written.days],
      from: (minutes(written.from) ?? 0) % DAY_MINUTES,
      to: (minutes(written.to) ?? 0) % DAY_MINUTES,
    }));
    this.#known = JSON.stringify(hours);
    return this.set({ hours });
  }

  #fill(hours: QuietHours[]): void {
    this.hours = hours.map(({ days, from, to }) => ({
      days: [...days],
      from: time(from),
      to: time(to),
    }));
  }

  #read(): Promise<void> {
    return this.#try(async () => {
      this.consents = await this.desk.ask({ do: 'consents' });
    });
  }

  async #try(work: () => Promise<void>): Promise<void> {
    try {
      this.error = '';
      await work();
    } catch (error) {
      this.error = reason(error);
    }
  }
}
