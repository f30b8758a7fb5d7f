/** Where a link leads, in parts, so that its host can be made to stand out. Pure. */

export interface Address {
  before: string;
  /** What decides where it leads; of foreign letters in the spelling that cannot imitate others. */
  host: string;
  after: string;
}

export function address(link: string): Address {
  let url: URL;
  try {
    url = new URL(link);
  } catch {
    return { before: '', host: link, after: '' };
  }
  if (url.protocol === 'mailto:') {
    return { before: url.protocol, host: decoded(url.pathname), after: url.search };
  }
  const named = url.username || url.password ? `${url.username}:${url.password}@` : '';
  return {
    before: `${url.protocol}//${named.replace(':@', '@')}`,
    host: url.host,
    after: `${url.pathname}${url.search}${url.hash}`,
  };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
