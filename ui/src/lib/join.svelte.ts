/**
 * The form of a relay to join: at the first run, and in the settings.
 *
 * Owns its fields and sending them. The agent validates; its words are shown. Invariant: the token
 * is forgotten as soon as it was handed over.
 */
import { reason } from './backend/backend';
import type { RelayId, RelayState } from './backend/bindings';
import type { Desk } from './desk.svelte';

export class JoinForm {
  address = $state('');
  token = $state('');
  name = $state('');
  group = $state('');
  /** The relay that is changed; none joins another. */
  id = $state<RelayId | null>(null);
  busy = $state(false);
  error = $state('');

  constructor(private readonly desk: Desk) {}

  /** Takes over how things are. */
  fill(relay: RelayState): void {
    this.id = relay.id;
    this.address = relay.address;
    this.name = relay.name;
    this.group = relay.group;
  }

  get complete(): boolean {
    return this.address.trim() !== '' && this.name.trim() !== '';
  }

  /** True when the agent took it. */
  async submit(): Promise<boolean> {
    this.busy = true;
    this.error = '';
    try {
      await this.desk.ask({
        do: 'join',
        relay: {
          id: this.id,
          address: this.address.trim(),
          name: this.name.trim(),
          group: this.group.trim(),
          token: this.token === '' ? null : this.token,
        },
      });
      this.token = '';
      return true;
    } catch (error) {
      this.error = reason(error);
      return false;
    } finally {
      this.busy = false;
    }
  }
}
