/** A relay's certificate that is not accepted, in people's words. Pure. */
import type { Certificate, Connection } from './backend/bindings';
import { say } from './language.svelte';
import { plain } from './plain';
import { m } from './words/messages.js';

/** Bytes of a fingerprint that are compared at a glance. */
const GROUP = 4;

/** `AB:CD:..` in groups, for people who compare. */
export function groups(fingerprint: string): string[] {
  const bytes = fingerprint.split(':');
  return Array.from({ length: Math.ceil(bytes.length / GROUP) }, (_, i) =>
    bytes.slice(i * GROUP, (i + 1) * GROUP).join(':'),
  );
}

/** Whether a person can trust it all the same (`CertificateFault::may_be_trusted`). */
export function mayBeTrusted({ fault }: Certificate): boolean {
  return fault === 'unknown' || fault === 'changed' || fault === 'vouched';
}

/** What is wrong with it, in a line. */
export function certificateTrouble(
  connection: Extract<Connection, { state: 'untrusted' }>,
): string {
  switch (connection.certificate.fault) {
    case 'unknown':
      return m.bar_certificate_unknown();
    case 'changed':
    case 'vouched':
      return m.bar_certificate_changed();
    case 'dates':
      return m.bar_certificate_dates();
    case 'name':
      return m.bar_certificate_name();
    case 'other':
      return plain(say(connection.reason));
  }
}
