/** Whether what is sent to this host, a name or an address without a port, stays on this machine. */
export const isLoopback = (host: string): boolean =>
  /^(localhost|127(\.\d{1,3}){3}|::1|\[::1\])$/i.test(host);

/** Parses `host`, `host:port`, `[::1]:port` or a URL. */
export function hostAndPort(address: string, defaultPort: number): { host: string; port: number } {
  const text = /^\w+:\/\//.test(address) ? address : `tcp://${address}`;
  if (!URL.canParse(text)) return { host: address, port: defaultPort };
  const url = new URL(text);
  return { host: url.hostname.replace(/^\[|\]$/g, ''), port: Number(url.port) || defaultPort };
}
