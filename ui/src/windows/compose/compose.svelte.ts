/**
 * A message being written, and what became of it.
 *
 * Owns the draft, what is wrong with it, and its status after it was handed to the agent. Whom it is for
 * and how it is kept are `Recipients`' and `Keeping`'s. Invariants: status told before the answer with
 * its number is not lost; what one writes is never replaced by what another window asks to be shown.
 */
import { reason } from '../../lib/backend/backend';
import type {
  Ask,
  Draft,
  Kept,
  Message,
  Priority,
  RelayId,
  Sent,
  View,
} from '../../lib/backend/bindings';
import { relayBy } from '../../lib/connection';
import type { Desk } from '../../lib/desk.svelte';
import { BLANK, RECIPIENTS, keyOf } from '../../lib/draft';
import { plain } from '../../lib/plain';
import { m } from '../../lib/words/messages.js';
import { missing } from './able';
import { isEmpty, Keeping } from './keeping.svelte';
import { Recipients } from './recipients.svelte';

export class Compose {
  title = $state('');
  body = $state('');
  priority = $state<Priority>('default');
  link = $state('');
  /** As they are typed: with commas between them. */
  tags = $state('');
  ttl = $state<number | null>(null);
  key = $state('');
  due = $state<number | null>(null);
  ask = $state<Ask>('nobody');
  repeat = $state<number | null>(null);
  /** The received message that it answers. */
  replyTo = $state<number | null>(null);
  /** By which relay, where the person said so. */
  relay = $state<RelayId | null>(null);
  /** What it answers, to be shown above it. */
  quoted = $state.raw<Message | null>(null);
  /** Whether it was written before, and found again. */
  restored = $state.raw<Kept | null>(null);
  sending = $state(false);
  error = $state('');
  toWrong = $state('');
  linkWrong = $state('');
  dueWrong = $state('');
  /** The message after it was handed over; while there is one, the form is not shown. */
  sent = $state.raw<Sent | null>(null);

  readonly recipients: Recipients;
  readonly keeping: Keeping;
  // eslint-disable-next-line svelte/prefer-svelte-reactivity -- not drawn by anything
  #early = new Map<number, Sent>();

  constructor(private readonly desk: Desk) {
    this.recipients = new Recipients(desk, () => (this.toWrong = ''));
    this.keeping = new Keeping(desk, () => this.draft);
  }

  /** By which relay it goes: as the person said, else that of the recipients; none for the first one. */
  readonly by = $derived.by(
    () => this.relay ?? this.recipients.chips.find(({ relay }) => relay !== null)?.relay ?? null,
  );
  /** Who is known by another relay than that. */
  readonly strangers = $derived.by(() => {
    const by = relayBy(this.desk.status, this.by)?.id;
    if (by === undefined) return [];
    return this.recipients.chips.filter(({ relay }) => relay !== null && relay !== by);
  });
  readonly group = $derived.by(() => this.recipients.chips.some(({ to }) => to.kind === 'group'));
  /** What the relay cannot do of it. */
  readonly missing = $derived.by(() => missing(relayBy(this.desk.status, this.by), this.draft));
  readonly empty = $derived.by(() => isEmpty(this.draft));

  get draft(): Draft {
    const { priority, ttl, due, ask, replyTo } = this;
    const tags = this.tags.split(/[,，、]/).map((tag) => tag.trim());
    return {
      ...BLANK,
      to: this.recipients.chips.map(({ to }) => to),
      title: this.title.trim(),
      body: this.body,
      priority,
      link: this.link.trim(),
      tags: tags.filter((tag, place) => tag !== '' && tags.indexOf(tag) === place),
      ttl,
      due,
      // "The first of the group" means nothing to persons alone.
      ask: ask === 'first' && !this.group ? 'each' : ask,
      repeat: ask === 'nobody' ? null : this.repeat,
      key: this.key.trim(),
      replyTo,
      relay: this.by,
    };
  }

  /** How many of the less common fields are filled in. */
  readonly more = $derived.by(() => {
    const { link, tags, ttl, ask, key } = this.draft;
    const filled = [link !== '', tags.length > 0, ttl !== null, ask !== 'nobody', key !== ''];
    return filled.filter(Boolean).length;
  });

  follow(): () => void {
    const ends = [
      this.recipients.follow(),
      this.keeping.follow(),
      this.desk.onEvent((event) => {
        if (event.event !== 'sent') return;
        if (this.sent?.id === event.value.id) this.sent = event.value;
        else if (this.sending) this.#early.set(event.value.id, event.value);
      }),
      this.desk.onBack(() => void this.#reread()),
    ];
    return () => {
      for (const end of ends) end();
    };
  }

  /** The window is asked to show this: an answer, a message to somebody, or what was begun. */
  async show(view: View): Promise<void> {
    if (view.window !== 'compose') return;
    const begun = !this.empty && !this.sent;
    if (view.reply === null && view.to.length === 0) {
      if (this.sent) this.another();
      if (!begun) await this.#restore(null);
      return;
    }
    if (begun && view.reply === this.replyTo) return;
    if (begun && !(await this.keep())) return;
    this.#fill(BLANK);
    this.keeping.begin(null);
    if (view.reply !== null) await this.#restore(view.reply);
    const relay = null;
    for (const to of view.to) {
      this.recipients.set([...this.recipients.chips, { to, relay }]);
    }
  }

  /** Writes one of the kept ones on; what is written now is kept. */
  async open(kept: Kept): Promise<void> {
    if (!(await this.keep())) return;
    this.#take(kept);
  }

  /** Begins a new one; what is written now is kept. */
  async fresh(): Promise<void> {
    if (!(await this.keep())) return;
    this.#fill(BLANK);
    this.keeping.begin(null);
  }

  /** Does not keep what is written now. */
  async discard(): Promise<void> {
    const { id } = this.keeping;
    this.#fill(BLANK);
    this.keeping.begin(null);
    if (id !== null) await this.keeping.drop(id);
  }

  /** Keeps what is written, for later; false where that does not work. */
  async keep(): Promise<boolean> {
    this.recipients.commit();
    if (this.sent) return true;
    try {
      await this.keeping.flush();
      return true;
    } catch (error) {
      this.error = reason(error);
      return false;
    }
  }

  async send(): Promise<void> {
    this.recipients.commit();
    if (this.sending || this.sent || !this.#valid()) return;
    const { draft } = this;
    this.sending = true;
    this.error = '';
    try {
      const kept = await this.keeping.sending();
      const id = await this.desk.ask({ do: 'send', draft, kept });
      this.sent = this.#early.get(id) ?? {
        id,
        draft,
        writtenAt: Date.now(),
        parcels: draft.to.map((to) => ({ to, progress: { state: 'queued' }, recipients: [] })),
      };
      this.keeping.begin(null);
    } catch (error) {
      this.error = reason(error);
    } finally {
      this.sending = false;
      this.#early.clear();
    }
  }

  /** Begins the next message, to the same recipients. */
  another(): void {
    const { chips } = this.recipients;
    this.#fill(BLANK);
    this.recipients.set(chips);
    this.keeping.begin(null);
  }

  /** The agent was away: what it told meanwhile was not heard. */
  async #reread(): Promise<void> {
    await this.keeping.read();
    const id = this.sent?.id;
    if (id === undefined) return;
    await this.desk.attempt(async () => {
      const [sent] = await this.desk.ask({ do: 'sent-message', id });
      if (sent && this.sent?.id === id) this.sent = sent;
    });
  }

  /** What was begun and not sent: the last one, or the answer to a message. */
  async #restore(reply: number | null): Promise<void> {
    await this.keeping.read();
    // Written meanwhile: that counts.
    if (!this.empty) return;
    const kept = this.keeping.all.find(({ draft }) => reply === null || draft.replyTo === reply);
    if (kept) this.#take(kept);
    else if (reply !== null) {
      this.replyTo = reply;
      await this.#quote(true);
      this.keeping.begin(null);
    }
  }

  #take(kept: Kept): void {
    this.#fill(kept.draft);
    this.restored = kept;
    this.keeping.begin(kept);
    if (kept.draft.replyTo !== null) void this.#quote(false);
  }

  /** Reads what is answered; of a new answer, whom it goes to. */
  async #quote(address: boolean): Promise<void> {
    const id = this.replyTo;
    if (id === null) return;
    await this.desk.attempt(async () => {
      const message = await this.desk.ask({ do: 'message', id });
      if (this.replyTo !== id) return;
      this.quoted = message;
      const { sender, relay, title } = message.row;
      if (!address || !sender) return;
      this.recipients.set([{ to: { kind: 'person', name: sender }, relay }]);
      if (title) this.title = /^(re|回复)[:：]/i.test(title) ? title : m.reply_title({ title });
    });
  }

  #fill(draft: Draft): void {
    Object.assign(this, {
      title: draft.title,
      body: draft.body,
      priority: draft.priority,
      link: draft.link,
      tags: draft.tags.join(', '),
      ttl: draft.ttl,
      due: draft.due,
      ask: draft.ask,
      repeat: draft.repeat,
      key: draft.key,
      replyTo: draft.replyTo,
      relay: draft.relay,
    });
    this.recipients.set(draft.to.map((to) => ({ to, relay: null })));
    this.quoted = null;
    this.restored = null;
    this.sent = null;
    this.error = this.toWrong = this.linkWrong = this.dueWrong = '';
  }

  #valid(): boolean {
    const { to, title, body, link, due } = this.draft;
    this.toWrong = this.#wrongTo(to.length);
    this.linkWrong =
      link === '' || /^(https?:\/\/|mailto:)\S+$/i.test(link) ? '' : m.compose_link_wrong();
    this.dueWrong = due !== null && due <= Date.now() ? m.due_past() : this.dueWrong;
    const nothing = title === '' && body.trim() === '';
    this.error = nothing && !this.toWrong ? m.compose_nothing() : '';
    return !this.toWrong && !this.linkWrong && !this.dueWrong && !nothing;
  }

  #wrongTo(count: number): string {
    if (count === 0) return m.compose_to_missing();
    if (count > RECIPIENTS) return m.compose_to_many({ count: RECIPIENTS });
    if (this.strangers.length === 0) return '';
    const relay = plain(relayBy(this.desk.status, this.by)?.label ?? '');
    return m.compose_mixed({
      names: this.strangers.map(({ to }) => plain(keyOf(to))).join(', '),
      relay,
    });
  }
}
