/**
 * The doctor's page: the report, the test message, what a button can do, the report as text.
 *
 * Owns the last report and what is under way. Invariants: of two looks only the later one's report is
 * shown; a test message raises one notification, and is sent by a button that says so only.
 */
import { reason } from '../../lib/backend/backend';
import type { Check, Report } from '../../lib/backend/bindings';
import { copyText } from '../../lib/clipboard';
import type { Desk } from '../../lib/desk.svelte';
import { asText, type Locale } from './report';

export class Doctor {
  report = $state.raw<Report | null>(null);
  /** How the last test message went, by relay. */
  trips = $state.raw<Record<string, Check>>({});
  /** All there is to show: the report, with each test message behind its relay. */
  readonly checks = $derived(
    (this.report?.checks ?? []).flatMap((check) => {
      const trip = check.subject === 'relay' && check.relay ? this.trips[check.relay] : undefined;
      return trip ? [check, trip] : [check];
    }),
  );
  /** The relay by which a test message is under way. */
  testing = $state<string | null>(null);
  looking = $state(false);
  error = $state('');
  copied = $state(false);
  /** The check whose button waits for an answer of the agent. */
  curing = $state<Check | null>(null);
  /** Whether it is asked if a file may hold the token. */
  question = $state(false);

  #looks = 0;

  constructor(private readonly desk: Desk) {}

  /** Looks now, and whenever the agent is back; gives what ends it. */
  follow(): () => void {
    return this.desk.onBack(() => void this.look());
  }

  async look(): Promise<void> {
    const mine = ++this.#looks;
    this.looking = true;
    this.copied = false;
    try {
      const report = await this.desk.ask({ do: 'doctor' });
      if (mine !== this.#looks) return;
      this.report = report;
      this.error = '';
    } catch (error) {
      if (mine === this.#looks) this.error = reason(error);
    } finally {
      if (mine === this.#looks) this.looking = false;
    }
  }

  /** Does what the button beside a check says, and looks again. */
  async cure(check: Check, sure = false): Promise<void> {
    if (check.remedy === 'plain-secret' && !sure) {
      this.curing = check;
      this.question = true;
      return;
    }
    this.question = false;
    this.curing = check;
    const done = await this.desk.attempt(() => this.#cure(check));
    this.curing = null;
    if (done && check.remedy !== 'open-folder') await this.look();
  }

  /** Sends a test message by a relay: one notification. */
  async test(relay: string): Promise<void> {
    this.testing = relay;
    this.copied = false;
    await this.desk.attempt(async () => {
      const trip = await this.desk.ask({ do: 'test-relay', relay });
      this.trips = { ...this.trips, [relay]: trip };
    });
    this.testing = null;
  }

  leaveQuestion(): void {
    this.question = false;
    this.curing = null;
  }

  async copy(locale: Locale): Promise<void> {
    if (!this.report) return;
    this.copied = await copyText(asText({ ...this.report, checks: this.checks }, locale));
  }

  #cure({ relay, remedy }: Check): Promise<unknown> {
    switch (remedy) {
      case 'reconnect':
        return this.desk.ask({ do: 'reconnect', id: relay });
      case 'set-up':
        return this.desk.backend.show({ window: 'first-run' });
      case 'resume':
        return this.desk.ask({ do: 'pause', pause: { for: 'off' } });
      case 'start-at-login':
        return this.desk.ask({ do: 'set-autostart', on: true, hidden: true });
      case 'plain-secret':
        return this.desk.ask({ do: 'allow-plain-secret', allow: true });
      case 'open-folder':
        return this.desk.ask({ do: 'open-folder', folder: 'data' });
      case null:
        return Promise.resolve();
    }
  }
}
