/**
 * A message being written, and what became of it.
 *
 * Owns the draft, what is wrong with it, and its status after it was handed to the agent. Invariant:
 * status told before the answer with its number is not lost.
 */
import { reason } from '../../lib/backend/backend';
import type { Draft, Priority, Recipient, RelayId, Sent } from '../../lib/backend/bindings';
import type { Desk } from '../../lib/desk.svelte';
import { BLANK } from '../../lib/draft';
import { m } from '../../lib/words/messages.js';

export class Compose {
  kind = $state<Recipient['kind']>('person');
  to = $state('');
  title = $state('');
  body = $state('');
  priority = $state<Priority>('default');
  link = $state('');
  /** By which relay; none for the first one. */
  relay = $state<RelayId | null>(null);
  sending = $state(false);
  error = $state('');
  toWrong = $state('');
  linkWrong = $state('');
  /** The message after it was handed over; while there is one, the form is not shown. */
  sent = $state.raw<Sent | null>(null);
  readonly empty = $derived(!this.title.trim() && !this.body.trim() && !this.link.trim());
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- not drawn by anything
  #early = new Map<number, Sent>();

  constructor(private readonly desk: Desk) {}

  follow(): () => void {
    return this.desk.onEvent((event) => {
      if (event.event !== 'sent') return;
      if (this.sent?.id === event.value.id) this.sent = event.value;
      else if (this.sending) this.#early.set(event.value.id, event.value);
    });
  }

  async send(): Promise<void> {
    if (this.sending || this.sent || !this.#valid()) return;
    const draft: Draft = {
      ...BLANK,
      to: [{ kind: this.kind, name: this.to.trim() }],
      title: this.title.trim(),
      body: this.body,
      priority: this.priority,
      link: this.link.trim(),
      relay: this.relay,
    };
    this.sending = true;
    this.error = '';
    try {
      const id = await this.desk.ask({ do: 'send', draft, kept: null });
      this.sent = this.#early.get(id) ?? {
        id,
        draft,
        writtenAt: Date.now(),
        parcels: draft.to.map((to) => ({ to, progress: { state: 'queued' }, recipients: [] })),
      };
    } catch (error) {
      this.error = reason(error);
    } finally {
      this.sending = false;
      this.#early.clear();
    }
  }

  /** Begins the next message, to the same recipient. */
  another(): void {
    this.sent = null;
    this.title = '';
    this.body = '';
    this.link = '';
    this.priority = 'default';
  }

  #valid(): boolean {
    this.toWrong = this.to.trim()
      ? ''
      : this.kind === 'person'
        ? m.compose_to_person_missing()
        : m.compose_to_group_missing();
    this.linkWrong =
      !this.link.trim() || /^(https?:\/\/|mailto:)\S+$/i.test(this.link.trim())
        ? ''
        : m.compose_link_wrong();
    const nothing = !this.title.trim() && !this.body.trim();
    this.error = nothing && !this.toWrong ? m.compose_nothing() : '';
    return !this.toWrong && !this.linkWrong && !nothing;
  }
}
