/** A report as text, for a mail or an issue. Pure. */
import type { Report, Words } from '../../lib/backend/bindings';

export type Locale = keyof Words;

/** How bad it is, for a reader without colours. */
const MARKS = { good: '[ok]  ', note: '[note]', warning: '[warn]', fault: '[FAIL]' };

/** The report as it is pasted into a mail or an issue. */
export function asText(report: Report, locale: Locale): string {
  const at = new Date(report.at).toISOString();
  const lines = [`Tidings ${report.version}, ${report.system}, ${at}`, ''];
  for (const check of report.checks) {
    lines.push(`${MARKS[check.verdict]} ${check.title[locale]}: ${check.found[locale]}`);
    if (check.advice) lines.push(`       → ${check.advice[locale]}`);
    for (const { name, value } of check.details) lines.push(`       ${name[locale]}: ${value}`);
  }
  return `${lines.join('\n')}\n`;
}
