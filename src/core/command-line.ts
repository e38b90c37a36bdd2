/** Commands of durabatch, as messages offer them for pasting into a shell. */

declare const shellWordBrand: unique symbol;
declare const commandBrand: unique symbol;

/** One word of a command line, quoted where a shell needs it: made by {@link idWord} and {@link shellWord} only. */
export type ShellWord = string & { readonly [shellWordBrand]: true };
/** A whole command, made by {@link commandLine} only. */
export type CommandLine = string & { readonly [commandBrand]: true };

/** What a batch id is made of; no shell acts on any of it. */
const BATCH_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export const isBatchId = (text: string): boolean => BATCH_ID.test(text);

/** Returns the id of a batch for a command, and `<id>` for a name from a server or a folder that is none. */
export const idWord = (batchId: string): ShellWord => (isBatchId(batchId) ? batchId : '<id>') as ShellWord;

/** What is invisible, or acts on a terminal: pasted, it would not be what is seen. */
const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u;
const PLAIN = /^[\w./:-][\w./:@-]*$/;
const PLAIN_ON_WINDOWS = /^[\w./:\\-][\w./:\\@-]*$/;
/**
 * Safe between double quotes in a POSIX shell, in cmd and in PowerShell. A backslash at the end would take the
 * closing quote's meaning away, and letters that look like quotes (`\p{Lm}`) may become quotes.
 */
const QUOTABLE = /^[\p{Lu}\p{Ll}\p{Lo}\p{M}\p{Nd} _./:@,()+=~#[\]{}\\-]+(?<!\\)$/u;

/**
 * Returns a word that a shell reads as this text: as it is, or quoted for every shell, or for POSIX shells where the
 * machine has one. Returns `placeholder`, as `<file>`, where there is no safe way to write it. In a workflow the platform
 * is not known.
 */
export function shellWord(
  text: string,
  placeholder: string,
  platform: string | undefined = globalThis.process?.platform,
): ShellWord {
  const isPosix = platform !== undefined && platform !== 'win32';
  const word = (): string => {
    if (HIDDEN.test(text)) return placeholder;
    if ((platform === 'win32' ? PLAIN_ON_WINDOWS : PLAIN).test(text)) return text;
    if (QUOTABLE.test(text) && !(isPosix && text.includes('\\'))) return `"${text}"`;
    return isPosix ? `'${text.replaceAll("'", String.raw`'\''`)}'` : placeholder;
  };
  return word() as ShellWord;
}

/** What is to be typed in its place: `<name>`. */
export const placeholderWord = (name: string): ShellWord => `<${name}>` as ShellWord;

/** Several words with blanks between them. */
export const shellWords = (words: readonly ShellWord[]): ShellWord => words.join(' ') as ShellWord;

/** A command whose parts that vary are words for a shell. */
export const commandLine = (
  parts: TemplateStringsArray,
  ...words: readonly (ShellWord | number)[]
): CommandLine => String.raw({ raw: parts }, ...words) as CommandLine;
