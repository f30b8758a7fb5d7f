/**
 * The first run: from nothing set up to the first message.
 *
 * Owns where the person is on that way. Hosting and joining are the agent's work.
 */
import { reason } from '../../lib/backend/backend';
import type { Reach, Row } from '../../lib/backend/bindings';
import type { Desk } from '../../lib/desk.svelte';
import { JoinForm } from '../../lib/join.svelte';

export class FirstRun {
  step = $state<'choice' | 'join' | 'ready'>('choice');
  busy = $state(false);
  error = $state('');
  tokenCopied = $state(false);
  /** The first message that came. */
  first = $state.raw<Row | null>(null);
  readonly form: JoinForm;

  constructor(private readonly desk: Desk) {
    this.form = new JoinForm(desk);
  }

  follow(): () => void {
    const ends = [
      this.desk.onEvent((event) => {
        if (event.event === 'received') this.first ??= event.value;
        // Hosted from the tray, while the choice stands here.
        if (event.event === 'status' && event.value.relays.length > 0) this.#chosen();
      }),
      // A relay that was set up before, or while the agent was gone: the choice was made.
      this.desk.onBack(() => {
        void this.desk.attempt(async () => {
          const status = await this.desk.ask({ do: 'status' });
          if (status.relays.length > 0) this.#chosen();
        });
      }),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  /** Hosts a relay here, reachable from this computer only. */
  async host(): Promise<void> {
    await this.#do(async () => {
      await this.desk.ask({ do: 'host', reach: 'computer', name: null });
      this.step = 'ready';
    });
  }

  async reach(reach: Reach): Promise<void> {
    await this.#do(() => this.desk.ask({ do: 'reach', reach }));
  }

  async join(): Promise<void> {
    if (await this.form.submit()) this.step = 'ready';
  }

  async copyToken(): Promise<void> {
    await this.#do(async () => {
      await this.desk.ask({ do: 'copy-token' });
      this.tokenCopied = true;
    });
  }

  async openInbox(): Promise<void> {
    const message = this.first?.id ?? null;
    if (await this.desk.attempt(() => this.desk.backend.show({ window: 'inbox', message }))) {
      await this.desk.backend.close();
    }
  }

  #chosen(): void {
    if (this.step === 'choice') this.step = 'ready';
  }

  async #do(work: () => Promise<unknown>): Promise<void> {
    this.busy = true;
    this.error = '';
    try {
      await work();
    } catch (error) {
      this.error = reason(error);
    } finally {
      this.busy = false;
    }
  }
}
