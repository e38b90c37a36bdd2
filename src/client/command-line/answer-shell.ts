import type { Command } from 'commander';
import { completeLine } from './complete-line.ts';
import type { Shell } from './completion-script.ts';

export interface Question {
  program: Command;
  /** What the shell said: its name, `--`, and the words behind the program's name. */
  asked: readonly string[];
  batchIds(): Promise<string[]>;
  env: NodeJS.ProcessEnv;
}

/** The lines for the shell: a candidate and its description each, then whether files or folders come with them. */
export async function answerShell({ program, asked, batchIds, env }: Question): Promise<string> {
  const shell = asked[0] as Shell;
  const words = shell === 'bash' ? joinedAtBreaks(asked.slice(2)) : asked.slice(2);
  const { candidates, paths } = await completeLine(program, words, { batchIds, env });
  const behind = shell === 'bash' ? (/^(--[\w-]+=)?@?/.exec(words.at(-1) ?? '')?.[0] ?? '') : '';
  const lines = candidates.map(({ value, description }) => `${value.slice(behind.length)}\t${description}`);
  return [...lines, `:${paths}`].join('\n');
}

/** Bash hands over `--provider=sim` as three words, and `@la` as two. */
function joinedAtBreaks(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const [index, word] of words.entries()) {
    const goesOn = word === '=' || words[index - 1] === '=' || words[index - 1] === '@';
    if (goesOn && joined.length > 0) joined.push(`${joined.pop()}${word}`);
    else joined.push(word);
  }
  return joined;
}
