/** Bold or not: the end of a colour code is no part of a word. */
const COMMAND =
  /(?<=^|\[[\d;]*m|[^\w./-])durabatch (?=(add|audit|cancel|completion|doctor|estimate|list|pause|report|resume|retry|run|server|set|status|tail|watch|worker)\b)/g;

/**
 * The commands in a text as this user has to type them: who came by npm (`npm start`, `npx durabatch`)
 * most likely has no `durabatch` on the PATH.
 */
export const asTyped = (text: string, env: Readonly<Record<string, string | undefined>>): string =>
  env['npm_command'] === undefined ? text : text.replace(COMMAND, 'npx $&');
