/**
 * The settings page: language, theme and read receipts.
 *
 * Owns what went wrong. All values are the desk's.
 */
import { reason } from '../../lib/backend/backend';
import type { Language, Settings, Theme } from '../../lib/backend/bindings';
import type { Desk } from '../../lib/desk.svelte';

export class SettingsPage {
  error = $state('');

  constructor(private readonly desk: Desk) {}

  language(language: Language): Promise<void> {
    return this.#change({ language });
  }

  theme(theme: Theme): Promise<void> {
    return this.#change({ theme });
  }

  readReceipts(readReceipts: boolean): Promise<void> {
    return this.#change({ readReceipts });
  }

  async #change(change: Partial<Settings>): Promise<void> {
    const before = this.desk.settings;
    // At once: the answer only confirms it.
    this.desk.settings = { ...before, ...change };
    try {
      this.error = '';
      this.desk.settings = await this.desk.ask({
        do: 'set-settings',
        settings: { ...before, ...change },
      });
    } catch (error) {
      this.desk.settings = before;
      this.error = reason(error);
    }
  }
}
