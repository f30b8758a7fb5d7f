/**
 * What all pages of a window share: whether the agent is there, how things stand, the settings, and
 * what the window was asked to show.
 *
 * Owns hearing the backend and passing it on. Pages' own data is their controllers'.
 * Invariant: a listener of `onBack` reads everything anew; between two of those, events keep it true.
 */
import { ask, reason, type AnswerTo, type Backend, type Told } from './backend/backend';
import type { Event, Request, Settings, Status, View } from './backend/bindings';
import { say } from './language.svelte';

export class Desk {
  /** None until the first try to reach the agent has ended. */
  running = $state<boolean | null>(null);
  status = $state<Status | null>(null);
  settings = $state<Settings>({
    language: 'system',
    theme: 'system',
    notifications: { sound: true, urgentPasses: false, followDesktop: true, hours: [], mutes: [] },
    keep: { days: 365, count: 100_000, unreadToo: false },
    readReceipts: false,
  });
  /** Whether the settings were read: until then they are what they are without any. */
  known = $state(false);
  /** What to show; a new object each time it is asked for. */
  view = $state.raw<View | null>(null);
  /** The relay's last notice for people. */
  notice = $state<string | null>(null);
  /** Why the last thing that was asked outside a form did not work. */
  trouble = $state<string | null>(null);

  // Not drawn by anything: plain sets.
  /* eslint-disable svelte/prefer-svelte-reactivity */
  #events = new Set<(event: Event) => void>();
  #back = new Set<() => void>();
  #closing = new Set<() => void>();
  /* eslint-enable svelte/prefer-svelte-reactivity */

  /** How often each was told: an answer that was asked for before is no newer. */
  #told = { status: 0, settings: 0 };

  constructor(readonly backend: Backend) {}

  /** Begins to hear. */
  async start(): Promise<void> {
    await this.backend.attach((told) => this.#hear(told));
  }

  ask<R extends Request>(request: R): Promise<AnswerTo<R>> {
    return ask(this.backend, request);
  }

  /** Does something that has no place of its own to say that it failed. */
  async attempt(work: () => Promise<unknown>): Promise<boolean> {
    try {
      await work();
      this.trouble = null;
      return true;
    } catch (error) {
      this.trouble = reason(error);
      return false;
    }
  }

  /** Calls for each event; gives what ends it. */
  onEvent(heard: (event: Event) => void): () => void {
    this.#events.add(heard);
    return () => this.#events.delete(heard);
  }

  /** Calls when the agent is there (now, if it is) and when it is back. */
  onBack(read: () => void): () => void {
    this.#back.add(read);
    if (this.running) read();
    return () => this.#back.delete(read);
  }

  /** Calls when the person closes the window: what was called then closes it. Gives what ends it. */
  onClosing(leave: () => void): () => void {
    this.#closing.add(leave);
    return () => this.#closing.delete(leave);
  }

  #hear(told: Told): void {
    switch (told.told) {
      case 'show':
        this.view = told.value;
        break;
      case 'running':
        this.running = told.value;
        if (told.value) this.#readAll();
        break;
      case 'event':
        this.#take(told.value);
        for (const heard of this.#events) heard(told.value);
        break;
      case 'closing':
        for (const leave of this.#closing) leave();
        if (this.#closing.size === 0) void this.attempt(() => this.backend.close());
        break;
    }
  }

  #readAll(): void {
    void this.attempt(() => Promise.all([this.#readStatus(), this.#readSettings()]));
    for (const read of this.#back) read();
  }

  async #readStatus(): Promise<void> {
    const told = this.#told.status;
    const status = await this.ask({ do: 'status' });
    if (told === this.#told.status) this.status = status;
  }

  async #readSettings(): Promise<void> {
    const told = this.#told.settings;
    const settings = await this.ask({ do: 'settings' });
    if (told === this.#told.settings) this.settings = settings;
    this.known = true;
  }

  #take(event: Event): void {
    if (event.event === 'status') {
      this.#told.status += 1;
      this.status = event.value;
    } else if (event.event === 'settings') {
      this.#told.settings += 1;
      this.settings = event.value;
    } else if (event.event === 'notice') this.notice = say(event.value);
  }
}
