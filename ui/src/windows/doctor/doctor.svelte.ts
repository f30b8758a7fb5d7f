/**
 * The doctor's page: the report, the test message, what a button can do, the report as text.
 *
 * Owns the last report and what is under way. Invariants: of two looks only the later one's report is
 * shown; a test message raises one notification, and is sent by a button that says so only.
 */
import { reason } from '../../lib/backend/backend';
import type { Check, Remedy, Report, Words } from '../../lib/backend/bindings';
import { copyText } from '../../lib/clipboard';
import type { Desk } from '../../lib/desk.svelte';

type Locale = keyof Words;

export class Doctor {
  report = $state.raw<Report | null>(null);
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
    const done = await this.desk.attempt(() => this.#cure(check.remedy));
    this.curing = null;
    if (done && check.remedy !== 'open-folder') await this.look();
  }

  leaveQuestion(): void {
    this.question = false;
    this.curing = null;
  }

  async copy(locale: Locale): Promise<void> {
    if (this.report) this.copied = await copyText(asText(this.report, locale));
  }

  #cure(remedy: Remedy | null): Promise<unknown> {
    switch (remedy) {
      case 'reconnect':
        return this.desk.ask({ do: 'reconnect', id: null });
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

/** How bad it is, for a reader without colours. */
const MARKS = { good: '[ok]  ', note: '[note]', warning: '[warn]', fault: '[FAIL]' };

/** The report as it is pasted into a mail or an issue. */
export function asText(report: Report, locale: Locale): string {
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- made anew for each file
  const at = new Date(report.at).toISOString();
  const lines = [`Tidings ${report.version}, ${report.system}, ${at}`, ''];
  for (const check of report.checks) {
    lines.push(`${MARKS[check.verdict]} ${check.title[locale]}: ${check.found[locale]}`);
    if (check.advice) lines.push(`       → ${check.advice[locale]}`);
    for (const { name, value } of check.details) lines.push(`       ${name[locale]}: ${value}`);
  }
  return `${lines.join('\n')}\n`;
}
