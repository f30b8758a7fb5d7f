/** Texts of others, shown as one line in places of ours. */

const LONGEST = 500;

/**
 * Without characters that reorder the text around them or that draw nothing, and no longer than a
 * line can show.
 */
export function plain(text: string): string {
  return (
    text
      .slice(0, LONGEST)
      // eslint-disable-next-line no-control-regex -- they are what is taken out
      .replace(/[\u0000-\u001f\u007f\u202a-\u202e\u2066-\u2069]+/g, ' ')
      .trim()
  );
}
