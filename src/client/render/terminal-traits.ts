export interface TerminalTraits {
  /** Lines can be drawn over. */
  live: boolean;
  color: boolean;
}

/** What an output can do. `NO_COLOR` (any text in it) takes colours away, `TERM=dumb` also the live view. */
export function terminalTraits(
  stream: { isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): TerminalTraits {
  const live = stream.isTTY === true && environment['TERM'] !== 'dumb';
  return { live, color: live && (environment['NO_COLOR'] ?? '') === '' };
}
