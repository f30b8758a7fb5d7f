/** Where links lead, in parts. */
import { expect, it } from 'vitest';
import { address } from '../src/lib/address';

it.each([
  ['https://example.com/a?b#c', ['https://', 'example.com', '/a?b#c']],
  ['https://bank.example@evil.example/', ['https://bank.example@', 'evil.example', '/']],
  ['http://\u0430\u0440\u0440\u04cf\u0435.com:81/', ['http://', 'xn--80ak6aa92e.com:81', '/']],
  ['mailto:ann%40example.com?subject=x', ['mailto:', 'ann@example.com', '?subject=x']],
  ['mailto:%E0%A4', ['mailto:', '%E0%A4', '']],
  ['nothing', ['', 'nothing', '']],
])('%s', (link, parts) => {
  const { before, host, after } = address(link);
  expect([before, host, after]).toEqual(parts);
});
