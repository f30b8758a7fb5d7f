/**
 * The settings page's part on this computer: what happens at login, and where the files are.
 *
 * Owns what the agent said last about them. Other programs change what happens at login too, so it is
 * asked anew each time somebody comes back to the window.
 */
import { reason } from '../../lib/backend/backend';
import type { Autostart, Computer, Folder } from '../../lib/backend/bindings';
import type { Desk } from '../../lib/desk.svelte';

export class ComputerSettings {
  computer = $state.raw<Computer | null>(null);
  error = $state('');

  constructor(private readonly desk: Desk) {}

  /** Follows it for as long as the page stands; gives what ends it. */
  follow(): () => void {
    const read = () => void this.#take(() => this.desk.ask({ do: 'computer' }));
    const end = this.desk.onBack(read);
    globalThis.addEventListener?.('focus', read);
    return () => {
      end();
      globalThis.removeEventListener?.('focus', read);
    };
  }

  /** Changes what happens at login; at once, the answer only confirms it. */
  async atLogin(change: Partial<Autostart>): Promise<void> {
    const before = this.computer;
    if (!before?.autostart) return;
    const autostart = { ...before.autostart, ...change };
    this.computer = { ...before, autostart };
    const { on, hidden } = autostart;
    const done = await this.#take(() => this.desk.ask({ do: 'set-autostart', on, hidden }));
    if (!done) this.computer = before;
  }

  async open(folder: Folder): Promise<void> {
    await this.#try(() => this.desk.ask({ do: 'open-folder', folder }));
  }

  #take(ask: () => Promise<Computer>): Promise<boolean> {
    return this.#try(async () => {
      this.computer = await ask();
    });
  }

  async #try(work: () => Promise<unknown>): Promise<boolean> {
    try {
      this.error = '';
      await work();
      return true;
    } catch (error) {
      this.error = reason(error);
      return false;
    }
  }
}
