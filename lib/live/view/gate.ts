/**
 * Who may ask for what. The page shows data of the experiment, so other web pages that the same browser has open must not get at it:
 * neither by a name that turns into our address (DNS rebinding: the Host header), nor by asking across origins. Pure.
 */

import { isIP } from 'node:net';

export interface Asked {
  readonly method: string | undefined;
  /** Path and query. */
  readonly url: string | undefined;
  readonly host: string | undefined;
  /** As browsers send it with every request: `same-origin`, `none` (typed by hand), `cross-site`, `same-site`. */
  readonly fetchSite: string | undefined;
}

export interface Refusal {
  readonly status: number;
  readonly words: string;
}

/** The content security policy of everything that is served: own scripts, own styles, own data, nothing inline. */
export const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
  'cache-control': 'no-store',
};

/**
 * @param names hosts by which we may be called besides addresses and `localhost`
 * @returns the URL that is asked for, or why it is refused
 */
export function admit({ method, url, host, fetchSite }: Asked, names: readonly string[]): URL | Refusal {
  if (method !== 'GET') return { status: 405, words: 'there is nothing here to change: GET only' };
  const base = `http://${host ?? ''}`;
  if (host === undefined || !URL.canParse(base) || !isOurs(new URL(base).hostname, names))
    return { status: 421, words: 'this is not the server of that host' };
  if (fetchSite !== undefined && fetchSite !== 'same-origin' && fetchSite !== 'none')
    return { status: 403, words: 'other pages may not look in here' };
  return URL.canParse(url ?? '', base) ? new URL(url ?? '', base) : { status: 400, words: 'that is no address' };
}

/** An address cannot be rebound, a name can. The port says nothing: tunnels have their own. */
function isOurs(host: string, names: readonly string[]): boolean {
  const bare = host.replace(/^\[|\]$/g, '');
  return bare === 'localhost' || isIP(bare) !== 0 || names.includes(bare);
}

export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\./.test(host);
}
