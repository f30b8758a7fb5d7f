/**
 * The settings page: the relay's form, hosting, language and theme.
 *
 * Owns what is on its way and what went wrong, by section. All values are the desk's.
 */
import { reason } from '../../lib/backend/backend';
import type { Language, Reach, Theme } from '../../lib/backend/bindings';
import type { Desk } from '../../lib/desk.svelte';
import { JoinForm } from '../../lib/join.svelte';

export class SettingsPage {
  busy = $state(false);
  relayError = $state('');
  hostingError = $state('');
  looksError = $state('');
  saved = $state(false);
  tokenCopied = $state(false);
  /** Whether it is asked before hosting ends. */
  question = $state(false);
  readonly form: JoinForm;

  constructor(private readonly desk: Desk) {
    this.form = new JoinForm(desk);
    const first = desk.status?.relays[0];
    if (first) this.form.fill(first);
  }

  async saveRelay(): Promise<void> {
    this.saved = await this.form.submit();
  }

  reach(reach: Reach): Promise<void> {
    return this.#hosting(() => this.desk.ask({ do: 'reach', reach }));
  }

  host(): Promise<void> {
    return this.#hosting(() => this.desk.ask({ do: 'host', reach: 'computer', name: null }));
  }

  stopHosting(): Promise<void> {
    this.question = false;
    return this.#hosting(() => this.desk.ask({ do: 'stop-hosting' }));
  }

  copyToken(): Promise<void> {
    return this.#hosting(async () => {
      await this.desk.ask({ do: 'copy-token' });
      this.tokenCopied = true;
    });
  }

  language(language: Language): Promise<void> {
    return this.#looks({ language });
  }

  theme(theme: Theme): Promise<void> {
    return this.#looks({ theme });
  }

  async #looks(change: { language?: Language; theme?: Theme }): Promise<void> {
    const before = this.desk.settings;
    // At once: the answer only confirms it.
    this.desk.settings = { ...before, ...change };
    try {
      this.looksError = '';
      this.desk.settings = await this.desk.ask({
        do: 'set-settings',
        settings: { ...before, ...change },
      });
    } catch (error) {
      this.desk.settings = before;
      this.looksError = reason(error);
    }
  }

  async #hosting(work: () => Promise<unknown>): Promise<void> {
    this.busy = true;
    this.hostingError = '';
    try {
      await work();
    } catch (error) {
      this.hostingError = reason(error);
    } finally {
      this.busy = false;
    }
  }
}
