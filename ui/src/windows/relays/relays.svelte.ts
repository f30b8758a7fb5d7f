/**
 * The page of the relays: what is done about each, and joining and hosting another.
 *
 * Owns what is open, what is asked, what is on its way and what went wrong. All values are the
 * desk's.
 */
import { reason } from '../../lib/backend/backend';
import type { Color, Reach, RelayId, RelayState } from '../../lib/backend/bindings';
import { wholeMark } from '../../lib/delivery';
import type { Desk } from '../../lib/desk.svelte';
import { BLANK } from '../../lib/draft';
import { JoinForm } from '../../lib/join.svelte';

/** What becomes of a test message to oneself. */
export type Test = 'sending' | 'arrived' | 'waiting';

export class RelaysPage {
  busy = $state(false);
  error = $state('');
  /** The relay whose form is open; `new` for one to be joined. */
  editing = $state<RelayId | 'new' | null>(null);
  label = $state('');
  color = $state<Color>('blue');
  tokenCopied = $state(false);
  /** The relay that is about to be left, and how many messages wait for it. */
  leaving = $state.raw<{ relay: RelayState; waiting: number } | null>(null);
  /** Test messages by relay. */
  tests = $state<Record<RelayId, Test>>({});
  form = $state.raw<JoinForm>(undefined as unknown as JoinForm);
  #tested: Record<number, RelayId> = {};

  constructor(private readonly desk: Desk) {
    this.form = new JoinForm(desk);
  }

  follow(): () => void {
    return this.desk.onEvent((event) => {
      if (event.event !== 'sent') return;
      const relay = this.#tested[event.value.id];
      if (relay === undefined) return;
      const mark = wholeMark(event.value);
      if (['delivered', 'read', 'acknowledged'].includes(mark)) this.tests[relay] = 'arrived';
      else if (mark === 'queued') this.tests[relay] = 'waiting';
    });
  }

  /** Opens the form of a relay; none for another one. */
  edit(relay: RelayState | null): void {
    this.form = new JoinForm(this.desk);
    this.error = '';
    if (relay) {
      this.form.fill(relay);
      this.label = relay.label;
      this.color = relay.color;
    }
    this.editing = relay?.id ?? 'new';
  }

  close(): void {
    this.editing = null;
  }

  /** Changes only what was changed: a new session costs the relay and the person a moment. */
  async save(): Promise<void> {
    const before = this.desk.status?.relays.find(({ id }) => id === this.editing);
    if (before && this.#named(before)) {
      const { label, color } = this;
      const id = before.id;
      if (!(await this.do(() => this.desk.ask({ do: 'describe-relay', id, label, color })))) return;
    }
    if (before && !this.#moved(before)) this.close();
    else if (await this.form.submit()) this.close();
  }

  connect(id: RelayId): Promise<boolean> {
    return this.do(() => this.desk.ask({ do: 'reconnect', id }));
  }

  /** Sends to oneself by that relay, to see it come back. */
  test(relay: RelayState, title: string): Promise<boolean> {
    this.tests[relay.id] = 'sending';
    return this.do(async () => {
      const id = await this.desk.ask({
        do: 'send',
        draft: {
          ...BLANK,
          to: [{ kind: 'person', name: relay.name }],
          title,
          relay: relay.id,
        },
        kept: null,
      });
      this.#tested[id] = relay.id;
    });
  }

  /** Asks before a relay is left. */
  ask(relay: RelayState): Promise<boolean> {
    return this.do(async () => {
      const { relays } = await this.desk.ask({ do: 'sources' });
      const waiting = relays.find(({ id }) => id === relay.id)?.waiting ?? 0;
      this.leaving = { relay, waiting };
    });
  }

  async leave(): Promise<void> {
    const relay = this.leaving?.relay;
    this.leaving = null;
    if (!relay) return;
    await this.do(() =>
      this.desk.ask(relay.hosted ? { do: 'stop-hosting' } : { do: 'leave', id: relay.id }),
    );
  }

  host(): Promise<boolean> {
    return this.do(() => this.desk.ask({ do: 'host', reach: 'computer', name: null }));
  }

  reach(reach: Reach): Promise<boolean> {
    return this.do(() => this.desk.ask({ do: 'reach', reach }));
  }

  copyToken(): Promise<boolean> {
    return this.do(async () => {
      await this.desk.ask({ do: 'copy-token' });
      this.tokenCopied = true;
    });
  }

  /** True when the agent did it. */
  async do(work: () => Promise<unknown>): Promise<boolean> {
    this.busy = true;
    this.error = '';
    try {
      await work();
      return true;
    } catch (error) {
      this.error = reason(error);
      return false;
    } finally {
      this.busy = false;
    }
  }

  #named(before: RelayState): boolean {
    return this.label.trim() !== before.label || this.color !== before.color;
  }

  #moved(before: RelayState): boolean {
    const { address, name, group, token } = this.form;
    return (
      token !== '' ||
      address.trim() !== before.address ||
      name.trim() !== before.name ||
      group.trim() !== before.group
    );
  }
}
