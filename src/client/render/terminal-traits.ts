export interface TerminalTraits {
  /** Lines can be drawn over. */
  live: boolean;
  color: boolean;
}

/**
 * What an output can do. `NO_COLOR` (any text in it) takes colours away, `TERM=dumb` also the live view, and so
 * does `CI`: its log keeps every line that is drawn, whether or not it claims to be a terminal.
 */
export function terminalTraits(
  stream: { isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): TerminalTraits {
  const isCI = !['', '0', 'false'].includes((environment['CI'] ?? '').toLowerCase());
  const live = stream.isTTY === true && environment['TERM'] !== 'dumb' && !isCI;
  return { live, color: live && (environment['NO_COLOR'] ?? '') === '' };
}
