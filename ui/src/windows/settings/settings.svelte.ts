/**
 * The settings page: language and theme.
 *
 * Owns what went wrong. All values are the desk's.
 */
import { reason } from '../../lib/backend/backend';
import type { Language, Theme } from '../../lib/backend/bindings';
import type { Desk } from '../../lib/desk.svelte';

export class SettingsPage {
  looksError = $state('');

  constructor(private readonly desk: Desk) {}

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
}
