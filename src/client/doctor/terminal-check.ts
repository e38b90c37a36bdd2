import { type Finding, ok, warning } from './finding.ts';

const NARROW = 60;

export interface Terminal {
  isTTY: boolean;
  columns: number | undefined;
  color: boolean;
  env: NodeJS.ProcessEnv;
}

export function checkTerminal({ isTTY, columns = 80, color, env }: Terminal): Finding {
  if (!isTTY) return ok('not a terminal: progress is a line now and then; --json is for programs');
  if (env['TERM'] === 'dumb') return ok('TERM=dumb: progress is a line now and then');
  const text = `${columns} columns, ${color ? 'colours' : 'no colours'}`;
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || '';
  if (process.platform !== 'win32' && !/utf-?8/i.test(locale))
    return warning(
      `${text}, and not known to show UTF-8 (${locale === '' ? 'no LANG' : locale})`,
      'export LANG=C.UTF-8, or the bar and other languages may look broken.',
    );
  if (columns < NARROW)
    return warning(text, `Make it ${NARROW} columns wide or more for the whole progress.`);
  return ok(text);
}
